// libcurl for Swift: its variadic functions, with exact types.
#pragma once
#include <curl/curl.h>
