// What Swift cannot say: thread-local storage, raw system calls, a helper process, ancillary data. Everything else is Swift.
#pragma once
#include "otel_console.h"
#include "otel_elf.h"
#include "otel_helper.h"
#include "otel_region.h"
#include "otel_rendezvous.h"
#include "otel_stack.h"
#include "otel_storage.h"
#include "otel_syscall.h"
#include "otel_thread.h"
#include "otel_tls_files.h"
#include "otel_valgrind.h"
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>
