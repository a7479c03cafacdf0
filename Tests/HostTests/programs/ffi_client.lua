-- ffi_client.lua URL LIBRARY...: one GET by each library; "C" asks LuaJIT's default name space, which is RTLD_DEFAULT.
local ffi = require("ffi")
ffi.cdef [[
void *curl_easy_init(void);
int curl_easy_setopt(void *, int, ...);
int curl_easy_perform(void *);
int curl_easy_getinfo(void *, int, ...);
void curl_easy_cleanup(void *);
const char *curl_version(void);
]]
local URL, USERAGENT, HTTPGET, RESPONSE_CODE = 10002, 10018, 80, 0x200002
io.stdout:setvbuf("no")
for i = 2, #arg do
    local curl = arg[i] == "C" and ffi.C or ffi.load(arg[i], true)
    local handle = curl.curl_easy_init()
    curl.curl_easy_setopt(handle, URL, ffi.cast("const char *", arg[1] .. "/" .. i - 2))
    curl.curl_easy_setopt(handle, USERAGENT, curl.curl_version())
    curl.curl_easy_setopt(handle, HTTPGET, ffi.cast("long", 1))
    local status = ffi.new("long[1]")
    local code = curl.curl_easy_perform(handle)
    curl.curl_easy_getinfo(handle, RESPONSE_CODE, status)
    print(code, tonumber(status[0]))
    curl.curl_easy_cleanup(handle)
end
