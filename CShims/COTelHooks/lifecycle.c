#include "include/COTelHooks.h"
