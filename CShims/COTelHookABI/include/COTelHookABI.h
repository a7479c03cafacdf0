#pragma once
#include "COTelShims.h"
