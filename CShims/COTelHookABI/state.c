#include "include/COTelHookABI.h"

uint8_t otel_socket_hints[OTEL_SOCKET_HINTS];
