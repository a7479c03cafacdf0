#include "include/COTelHookABI.h"

uint8_t otel_socket_hints[OTEL_SOCKET_HINTS];
uint8_t otel_traced_sockets_word = OTEL_TRACES_TCP;
struct otel_connect otel_connects[OTEL_CONNECTS] __attribute__((aligned(64)));
uint64_t otel_connect_owners[OTEL_CONNECTS] __attribute__((aligned(64)));
bool otel_connects_used;
struct otel_curl_multi otel_curl_multis[OTEL_CURL_MULTIS] __attribute__((aligned(64)));
uint8_t otel_curl_stages[OTEL_CURL_HANDLES];
uint8_t otel_other_sdk_word;
uint8_t otel_curl_phases_word;
struct otel_curl_headers otel_curl_header_records[OTEL_CURL_HANDLES];
struct otel_header_list otel_curl_baggage_records[OTEL_CURL_HANDLES][OTEL_CURL_BAGGAGE_NODES];
