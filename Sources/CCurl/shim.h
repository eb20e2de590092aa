// libcurl's option functions are variadic, which Swift cannot call. One typed function per kind of argument, so that no
// caller can pair an option with an argument of another size.
#pragma once

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

static inline CURLcode egret_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode egret_curl_set_offset(CURL *easy, CURLoption option, int64_t value) {
    return curl_easy_setopt(easy, option, (curl_off_t)value);
}

// NULL resets a string option to libcurl's "none".
static inline CURLcode egret_curl_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

// libcurl copies the bytes.
static inline CURLcode egret_curl_set_blob(CURL *easy, CURLoption option, const void *data, size_t length) {
    struct curl_blob blob = {.data = (void *)data, .len = length, .flags = CURL_BLOB_COPY};
    return curl_easy_setopt(easy, option, &blob);
}

// libcurl copies the bytes.
static inline CURLcode egret_curl_set_body(CURL *easy, const void *data, size_t length) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, data);
}

// A body that is asked for as it is sent. libcurl cannot rewind it, so it never sends it twice by itself.
static inline CURLcode egret_curl_set_unrepeatable_body(CURL *easy, curl_read_callback read, void *context, size_t length) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_POST, 1L);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_READFUNCTION, read);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_READDATA, context);
    return code;
}

// The list must live as long as the transfer.
static inline CURLcode egret_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *list) {
    return curl_easy_setopt(easy, option, list);
}

// The buffer, of CURL_ERROR_SIZE bytes, must live as long as the transfer.
static inline CURLcode egret_curl_set_error_buffer(CURL *easy, char *buffer) {
    return curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, buffer);
}

static inline CURLcode egret_curl_set_callbacks(CURL *easy, curl_write_callback header, curl_write_callback write, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_HEADERDATA, context);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, context);
    return code;
}

// Bytes sent and not acknowledged for this long end a connection: keepalive alone does not see a peer that vanished while
// we were sending. Failure is ignored, the socket then merely keeps the system's much longer limit.
static inline int egret_curl_on_socket(void *context, curl_socket_t socket, curlsocktype purpose) {
    (void)context;
    unsigned int milliseconds = 30000;
    if (purpose == CURLSOCKTYPE_IPCXN) setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
    return CURL_SOCKOPT_OK;
}

static inline CURLcode egret_curl_set_user_timeout(CURL *easy) {
    return curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, egret_curl_on_socket);
}

int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *deadline);

// Waits for a thread to be gone, for so many milliseconds at most.
static inline void egret_curl_join_thread(pthread_t thread, long milliseconds) {
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_nsec += milliseconds % 1000 * 1000000;
    deadline.tv_sec += milliseconds / 1000 + deadline.tv_nsec / 1000000000;
    deadline.tv_nsec %= 1000000000;
    pthread_timedjoin_np(thread, NULL, &deadline);
}

// How many bytes of request were sent; 0 when the request never left.
static inline long egret_curl_request_bytes(CURL *easy) {
    long bytes = 0;
    return curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK ? bytes : 0;
}

static inline CURLMcode egret_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

// The next finished transfer, or false when there is none.
static inline bool egret_curl_next_finished(CURLM *multi, CURL **easy, CURLcode *result) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        *easy = message->easy_handle;
        *result = message->data.result;
        return true;
    }
    return false;
}

// At most 15 bytes are kept. Shown by top and debuggers.
static inline void egret_curl_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
