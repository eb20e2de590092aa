#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(cl_epoll_event) == sizeof(struct epoll_event), "epoll_event layout");
_Static_assert(offsetof(cl_epoll_event, data) == offsetof(struct epoll_event, data), "epoll_event layout");
_Static_assert(CL_EPOLLIN == EPOLLIN && CL_EPOLLOUT == EPOLLOUT && CL_EPOLLERR == EPOLLERR, "epoll flags");
_Static_assert(CL_EPOLLHUP == EPOLLHUP && CL_EPOLLRDHUP == EPOLLRDHUP && CL_EPOLLET == EPOLLET, "epoll flags");

static inline int result(int value) { return value < 0 ? -errno : value; }
static inline ssize_t result_size(ssize_t value) { return value < 0 ? -errno : value; }
static inline int set(int fd, int level, int option, int value) {
    return result(setsockopt(fd, level, option, &value, sizeof value));
}

int cl_epoll_create(void) { return result(epoll_create1(EPOLL_CLOEXEC)); }

int cl_epoll_add(int epoll, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return result(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

int cl_epoll_modify(int epoll, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return result(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event));
}

int cl_epoll_remove(int epoll, int fd) { return result(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL)); }

int cl_epoll_wait(int epoll, cl_epoll_event *events, int count, int timeout_ms) {
    return result(epoll_wait(epoll, (struct epoll_event *)events, count, timeout_ms));
}

int cl_tcp_socket(int family) { return result(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)); }

int cl_accept(int listener, struct sockaddr_storage *client) {
    socklen_t length = sizeof *client;
    return result(accept4(listener, (struct sockaddr *)client, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int cl_bind(int fd, const struct sockaddr *address, socklen_t length) { return result(bind(fd, address, length)); }
int cl_listen(int fd, int backlog) { return result(listen(fd, backlog)); }
int cl_connect(int fd, const struct sockaddr *address, socklen_t length) { return result(connect(fd, address, length)); }

int cl_disconnect(int fd) {
    // The first byte of struct tcp_info is the state.
    uint8_t state = 0;
    socklen_t length = sizeof state;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &length) < 0) return -errno;
    if (state != TCP_CLOSE) return -EBUSY;
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    return result(connect(fd, &none, sizeof none));
}

bool cl_has_source_address(const struct sockaddr *peer, socklen_t length) {
    // Connecting a datagram socket chooses the source address and sends nothing.
    int fd = socket(peer->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno == EMFILE || errno == ENFILE;
    bool reachable = connect(fd, peer, length) == 0;
    close(fd);
    return reachable;
}

int cl_ignore_new_connections(int listener) {
    // On a TCP socket a filter sees the TCP header first; byte 13 has the flags. Drop SYN without ACK.
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    return result(setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
}

int cl_local_address(int fd, struct sockaddr_storage *address) {
    socklen_t length = sizeof *address;
    return result(getsockname(fd, (struct sockaddr *)address, &length));
}

int cl_socket_error(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

int cl_shutdown_write(int fd) { return result(shutdown(fd, SHUT_WR)); }

int cl_unsent(int fd) {
    int count = 0;
    int status = result(ioctl(fd, SIOCOUTQNSD, &count));
    return status < 0 ? status : count;
}

ssize_t cl_recv(int fd, void *bytes, size_t count) { return result_size(recv(fd, bytes, count, 0)); }
ssize_t cl_peek(int fd, void *bytes, size_t count) { return result_size(recv(fd, bytes, count, MSG_PEEK)); }
ssize_t cl_discard(int fd, size_t count) { return result_size(recv(fd, NULL, count, MSG_TRUNC)); }
ssize_t cl_send(int fd, const void *bytes, size_t count) { return result_size(send(fd, bytes, count, MSG_NOSIGNAL)); }

int cl_set_receive_low_water(int fd, int bytes) { return set(fd, SOL_SOCKET, SO_RCVLOWAT, bytes); }
int cl_set_no_delay(int fd) { return set(fd, IPPROTO_TCP, TCP_NODELAY, 1); }
int cl_set_speaks_first(int fd) { return set(fd, IPPROTO_TCP, TCP_QUICKACK, 0); }
int cl_set_reuse_address(int fd) { return set(fd, SOL_SOCKET, SO_REUSEADDR, 1); }
int cl_set_reuse_port(int fd) { return set(fd, SOL_SOCKET, SO_REUSEPORT, 1); }
int cl_set_v6_only(int fd) { return set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1); }

static int at_most(long long value, int limit) { return value < limit ? (int)value : limit; }

int cl_set_keepalive(int fd, int idle_s, int interval_s, unsigned timeout_ms) {
    // The kernel takes no more than MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL.
    int status = set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (status == 0) status = set(fd, IPPROTO_TCP, TCP_KEEPIDLE, at_most(idle_s, 32767));
    if (status == 0) status = set(fd, IPPROTO_TCP, TCP_KEEPINTVL, at_most(interval_s, 32767));
    if (status == 0) status = set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, at_most(timeout_ms, INT_MAX));
    return status;
}

int cl_set_reset_on_close(int fd) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    return result(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

int cl_close(int fd) { return result(close(fd)); }

int cl_pipe(int ends[2]) { return result(pipe2(ends, O_NONBLOCK | O_CLOEXEC)); }

int cl_pipe_grow(int fd, int bytes) {
    int granted = fcntl(fd, F_SETPIPE_SZ, bytes);
    return granted >= 0 ? granted : result(fcntl(fd, F_GETPIPE_SZ));
}

ssize_t cl_splice(int from, int to, size_t count) {
    return result_size(splice(from, NULL, to, NULL, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}

int cl_eventfd(void) { return result(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

void cl_eventfd_signal(int fd) {
    uint64_t one = 1;
    // Fails only when the counter is full, and then the reader is awake anyway.
    ssize_t ignored = write(fd, &one, sizeof one);
    (void)ignored;
}

void cl_eventfd_clear(int fd) {
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof count);
    (void)ignored;
}

static int64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t cl_monotonic_ns(void) { return now(CLOCK_MONOTONIC); }
int64_t cl_realtime_ns(void) { return now(CLOCK_REALTIME); }

int cl_affinity_count(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) < 0 ? 1 : CPU_COUNT(&set);
}

int64_t cl_raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    }
    return (int64_t)limit.rlim_cur;
}

int cl_open_to_read(const char *path) { return result(open(path, O_RDONLY | O_CLOEXEC)); }
ssize_t cl_read_anew(int fd, char *text, size_t count) { return result_size(pread(fd, text, count, 0)); }

uint64_t cl_address_space_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
    return limit.rlim_cur;
}

void cl_trim_memory(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void cl_release_code(void) {
    FILE *maps = fopen("/proc/self/maps", "re");
    if (maps == NULL) return;
    char line[512], flags[5];
    unsigned long start, end;
    int name;
    // Code is never written to (no text relocations on the architectures we know), so nothing is lost with a mapping's pages.
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %n", &start, &end, flags, &name) != 3) continue;
        if (strcmp(flags, "r-xp") == 0 && line[name] == '/') madvise((void *)start, end - start, MADV_DONTNEED);
    }
    fclose(maps);
}

int cl_open_spare(void) { return result(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

void cl_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

struct start {
    void (*body)(void *);
    void *context;
    char name[16];
};

static void *run(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), start.name);
    // Threads of libdispatch, which may have started this one, have a priority of their own (setpriority(2): of a thread): ours is
    // the process's, as `nice` or systemd's Nice= gave it to the first thread.
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, getpid()));
    start.body(start.context);
    return NULL;
}

int cl_thread_start(const char *name, void (*body)(void *context), void *context) {
    struct start *start = calloc(1, sizeof *start);
    if (start == NULL) return -ENOMEM;
    start->body = body;
    start->context = context;
    for (size_t i = 0; i + 1 < sizeof start->name && name[i] != 0; i++) start->name[i] = name[i];

    // A new thread inherits the mask: signals go to the threads that expect them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    int error = pthread_create(&thread, &attributes, run, start);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) free(start);
    return -error;
}
