// The Linux calls of the relay engine that Swift's Glibc module doesn't offer, or offers untyped (variadic fcntl, macros,
// unions). Every wrapper returns what the call returns, or -errno, so that no caller touches errno. The bodies are in
// CLinux.c: feature macros in a header would give this module another view of libc than Glibc has.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

// epoll -----------------------------------------------------------------------------------------------------------

enum : uint32_t {
    CL_EPOLLIN = 0x001,
    CL_EPOLLOUT = 0x004,
    CL_EPOLLERR = 0x008,
    CL_EPOLLHUP = 0x010,
    CL_EPOLLRDHUP = 0x2000,
    CL_EPOLLET = 1u << 31,
};

// Layout of struct epoll_event on this architecture (packed on x86-64); checked in CLinux.c.
typedef struct
#if defined(__x86_64__)
    __attribute__((packed))
#endif
    cl_epoll_event {
    uint32_t events;
    uint64_t data;
} cl_epoll_event;

int cl_epoll_create(void);
int cl_epoll_add(int epoll, int fd, uint32_t events, uint64_t data);
int cl_epoll_modify(int epoll, int fd, uint32_t events, uint64_t data);
int cl_epoll_remove(int epoll, int fd);
int cl_epoll_wait(int epoll, cl_epoll_event *events, int count, int timeout_ms);

// Sockets ---------------------------------------------------------------------------------------------------------

// All sockets are TCP, nonblocking and close-on-exec.
int cl_tcp_socket(int family);
int cl_accept(int listener, struct sockaddr_storage *client);
int cl_bind(int fd, const struct sockaddr *address, socklen_t length);
int cl_listen(int fd, int backlog);
// 0, or -EINPROGRESS for a connect under way, or another -errno.
int cl_connect(int fd, const struct sockaddr *address, socklen_t length);
// Makes a TCP socket whose connection is over ready for another `cl_connect`. -EBUSY: it is not over yet.
int cl_disconnect(int fd);
// Whether there is an address of ours from which a peer can be reached, whatever ports are taken.
bool cl_has_source_address(const struct sockaddr *peer, socklen_t length);
// From now on the listener doesn't see new SYNs; handshakes under way go on.
int cl_ignore_new_connections(int listener);
int cl_local_address(int fd, struct sockaddr_storage *address);
// The pending error of a socket as a positive errno, 0 for none. Reading clears it.
int cl_socket_error(int fd);
int cl_shutdown_write(int fd);
// Bytes in the send queue that have not left yet.
int cl_unsent(int fd);

ssize_t cl_recv(int fd, void *bytes, size_t count);
ssize_t cl_peek(int fd, void *bytes, size_t count);
// Takes up to `count` bytes out of the socket without copying them anywhere.
ssize_t cl_discard(int fd, size_t count);
ssize_t cl_send(int fd, const void *bytes, size_t count);

int cl_set_receive_low_water(int fd, int bytes);
int cl_set_no_delay(int fd);
// Before connecting: we speak first, so the kernel may leave the handshake's last ACK to the first data. It's one packet less.
int cl_set_speaks_first(int fd);
int cl_set_reuse_address(int fd);
int cl_set_reuse_port(int fd);
int cl_set_v6_only(int fd);
// Keepalive probes from `idle_s` on, every `interval_s`, and an end after `timeout_ms` without an answer.
int cl_set_keepalive(int fd, int idle_s, int interval_s, unsigned timeout_ms);
// After how long without an acknowledgement the kernel gives the peer up; 0: its own, long rules.
int cl_set_user_timeout(int fd, unsigned timeout_ms);

// What a connected socket's peer is doing about the bytes it was sent (TCP_INFO).
typedef struct cl_peer_state {
    // Bytes are not acknowledged yet, or not even sent.
    bool is_waiting;
    // They wait because the peer has no room for them.
    bool is_window_closed;
    // Window probes since the last acknowledgement.
    unsigned unanswered_probes;
    // Since the last acknowledgement.
    unsigned silent_ms;
} cl_peer_state;

int cl_peer_state_of(int fd, cl_peer_state *state);
// The next close sends RST.
int cl_set_reset_on_close(int fd);
int cl_close(int fd);

// Pipes and splice -----------------------------------------------------------------------------------------------

// Nonblocking, close-on-exec. ends[0] is read from, ends[1] written to.
int cl_pipe(int ends[2]);
// Asks for a capacity and returns the one in force, which is smaller where the user's limits say so.
int cl_pipe_grow(int fd, int bytes);
ssize_t cl_splice(int from, int to, size_t count);

// Others -----------------------------------------------------------------------------------------------------------

int cl_eventfd(void);
void cl_eventfd_signal(int fd);
void cl_eventfd_clear(int fd);
// CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds.
int64_t cl_monotonic_ns(void);
int64_t cl_realtime_ns(void);
// Processors this thread may run on.
int cl_affinity_count(void);
// Raises the limit of open files as far as it may go without privilege, and returns it.
int64_t cl_raise_file_limit(void);
// An open file, or -errno.
int cl_open_to_read(const char *path);
// The text at the beginning of an open file of /proc or a cgroup, as it is now. Returns its length, or -errno.
ssize_t cl_read_anew(int fd, char *text, size_t count);
// The limit of the address space in bytes, UINT64_MAX for none.
uint64_t cl_address_space_limit(void);
// Gives memory that was freed back to the system.
void cl_trim_memory(void);
// Lets go of the pages of program code that are mapped now; those still needed come back from the page cache.
void cl_release_code(void);
// An open file to close and reopen when descriptors run out.
int cl_open_spare(void);
// Writing to a socket that is gone is an error to handle, not a signal. For splice, which has no MSG_NOSIGNAL.
void cl_ignore_sigpipe(void);
// Runs `body(context)` on a new thread with all signals blocked. Returns 0 or -errno.
int cl_thread_start(const char *name, void (*body)(void *context), void *context);
