// What c-ares wants in structures with many unused fields, as functions. Works with c-ares 1.16 and newer.
#pragma once

#include <ares.h>
#include <arpa/nameser.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { EGRET_ARES_A = 1, EGRET_ARES_AAAA = 28 };

// A channel that asks the servers of `resolv_conf`, exactly for the names given: what its search list says is applied by
// the caller. `port` 0 is 53. Time-outs double with every try.
static inline int egret_ares_open(
    ares_channel *channel, const char *resolv_conf, unsigned short port, int timeout_ms, int tries, ares_sock_state_cb on_socket,
    void *context) {
    struct ares_options options;
    memset(&options, 0, sizeof options);
    options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
    // Fits any path without being fragmented (the DNS flag day of 2020).
    options.ednspsz = 1232;
    options.timeout = timeout_ms;
    options.tries = tries;
    options.sock_state_cb = on_socket;
    options.sock_state_cb_data = context;
    options.resolvconf_path = (char *)resolv_conf;
    int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;
    if (port != 0) {
        options.udp_port = port;
        options.tcp_port = port;
        mask |= ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT;
    }
    return ares_init_options(channel, &options, mask);
}

// The search list as c-ares read it: calls `domain` for each, in order, and returns ndots, or -1 where memory ran out.
static inline int egret_ares_search_list(ares_channel channel, void (*domain)(void *context, const char *name), void *context) {
    struct ares_options options;
    memset(&options, 0, sizeof options);
    int mask = 0;
    if (ares_save_options(channel, &options, &mask) != ARES_SUCCESS) {
        ares_destroy_options(&options);
        return -1;
    }
    for (int i = 0; i < options.ndomains; i++) domain(context, options.domains[i]);
    int ndots = options.ndots;
    ares_destroy_options(&options);
    return ndots;
}

// Asks for one type of one name in class IN.
static inline void egret_ares_ask(ares_channel channel, const char *name, int type, ares_callback callback, void *context) {
    ares_query(channel, name, 1, type, callback, context);
}

// Milliseconds until the channel wants `egret_ares_work` without an event; -1: nothing is under way.
static inline int64_t egret_ares_timeout_ms(ares_channel channel) {
    struct timeval wait;
    struct timeval *result = ares_timeout(channel, NULL, &wait);
    return result == NULL ? -1 : (int64_t)result->tv_sec * 1000 + (result->tv_usec + 999) / 1000;
}

// Reads, writes and looks at the clock. A descriptor of -1 is none.
static inline void egret_ares_work(ares_channel channel, int readable, int writable) {
    ares_process_fd(channel, readable, writable);
}

// The IPv4 addresses of an answer, in network order and of its own, and the shortest TTL on the way to them, aliases
// included. Returns an ARES_ code.
static inline int egret_ares_parse_a(const unsigned char *bytes, int length, uint32_t *addresses, int *count, int *ttl) {
    struct ares_addrttl found[64];
    int capacity = *count < 64 ? *count : 64;
    *count = 0;
    int status = ares_parse_a_reply(bytes, length, NULL, found, &capacity);
    if (status != ARES_SUCCESS) return status;
    for (int i = 0; i < capacity; i++) {
        memcpy(&addresses[i], &found[i].ipaddr, 4);
        if (i == 0 || found[i].ttl < *ttl) *ttl = found[i].ttl;
    }
    *count = capacity;
    return status;
}

// The same for IPv6: 16 bytes each.
static inline int egret_ares_parse_aaaa(const unsigned char *bytes, int length, uint8_t *addresses, int *count, int *ttl) {
    struct ares_addr6ttl found[64];
    int capacity = *count < 64 ? *count : 64;
    *count = 0;
    int status = ares_parse_aaaa_reply(bytes, length, NULL, found, &capacity);
    if (status != ARES_SUCCESS) return status;
    for (int i = 0; i < capacity; i++) {
        memcpy(addresses + 16 * i, &found[i].ip6addr, 16);
        if (i == 0 || found[i].ttl < *ttl) *ttl = found[i].ttl;
    }
    *count = capacity;
    return status;
}
