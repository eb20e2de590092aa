// Apart from CLinux.c: <linux/tcp.h> has all of struct tcp_info, and what <netinet/tcp.h> declares too.
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

int cl_peer_state_of(int fd, cl_peer_state *state) {
    struct tcp_info info;
    memset(&info, 0, sizeof info);
    socklen_t length = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return -errno;
    // Kernels before 5.10 don't tell the window.
    bool knows_window = length >= offsetof(struct tcp_info, tcpi_snd_wnd) + sizeof info.tcpi_snd_wnd;
    state->is_waiting = info.tcpi_notsent_bytes > 0 || info.tcpi_unacked > 0;
    // Nothing is on its way although something waits; or what is on its way is answered "not now".
    state->is_window_closed = info.tcpi_unacked == 0 ? info.tcpi_notsent_bytes > 0 : knows_window && info.tcpi_snd_wnd == 0;
    state->unanswered_probes = info.tcpi_probes;
    state->silent_ms = info.tcpi_last_ack_recv;
    return 0;
}

int cl_set_user_timeout(int fd, unsigned timeout_ms) {
    int value = timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
    return setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof value) < 0 ? -errno : 0;
}
