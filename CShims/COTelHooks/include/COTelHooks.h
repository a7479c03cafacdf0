// The interposed symbols. Linking this target interposes whatever links it: only OTelAgent may.
#pragma once
#include "COTelHookABI.h"
