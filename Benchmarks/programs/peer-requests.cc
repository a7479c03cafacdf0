// Keep-alive GETs with libcurl, each in a span made by hand with opentelemetry-cpp as its documentation has it: attributes, the context in the
// request's headers, batch processor, OTLP http/protobuf. Built only where opentelemetry-cpp is installed (see README.md beside this folder).
//
//   peer-requests plain|by-hand URL COUNT COLLECTOR    microseconds of CPU of the whole process per request, the export included
#include <curl/curl.h>
#include <opentelemetry/context/propagation/text_map_propagator.h>
#include <opentelemetry/exporters/otlp/otlp_http_exporter_factory.h>
#include <opentelemetry/exporters/otlp/otlp_http_exporter_options.h>
#include <opentelemetry/sdk/trace/batch_span_processor_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_options.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/propagation/http_trace_context.h>
#include <opentelemetry/trace/scope.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <time.h>

namespace sdk = opentelemetry::sdk::trace;
namespace otlp = opentelemetry::exporter::otlp;
namespace trace = opentelemetry::trace;

namespace {

constexpr int warmUp = 200;

double microsecondsOfCPU() {
    timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

size_t discard(char *, size_t size, size_t count, void *) { return size * count; }

struct Headers : opentelemetry::context::propagation::TextMapCarrier {
    curl_slist *list = nullptr;
    ~Headers() override { curl_slist_free_all(list); }
    opentelemetry::nostd::string_view Get(opentelemetry::nostd::string_view) const noexcept override { return ""; }
    void Set(opentelemetry::nostd::string_view name, opentelemetry::nostd::string_view value) noexcept override {
        std::string line(name.data(), name.size());
        line.append(": ").append(value.data(), value.size());
        list = curl_slist_append(list, line.c_str());
    }
};

void get(CURL *easy) {
    if (curl_easy_perform(easy) != CURLE_OK) exit(3);
}

void tracedGet(CURL *easy, const std::string &url, const std::string &host, int port, trace::Tracer &tracer) {
    trace::StartSpanOptions options;
    options.kind = trace::SpanKind::kClient;
    auto span = tracer.StartSpan("GET", {{"http.request.method", "GET"}, {"url.full", url}, {"server.address", host}, {"server.port", port}}, options);
    trace::Scope scope(span);
    Headers headers;
    trace::propagation::HttpTraceContext().Inject(headers, opentelemetry::context::RuntimeContext::GetCurrent());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.list);
    get(easy);
    long status = 0, peerPort = 0;
    char *peer = nullptr;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &peer);
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &peerPort);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);
    span->SetAttribute("http.response.status_code", static_cast<int64_t>(status));
    span->SetAttribute("network.protocol.version", "1.1");
    span->SetAttribute("network.peer.address", peer ? peer : "");
    span->SetAttribute("network.peer.port", static_cast<int64_t>(peerPort));
    span->End();
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    const bool isTraced = std::string(argv[1]) == "by-hand";
    const std::string url = argv[2], collector = argv[4];
    const int count = atoi(argv[3]);
    const auto hostStart = url.find("//") + 2, colon = url.find(':', hostStart);
    const std::string host = url.substr(hostStart, colon - hostStart);
    const int port = atoi(url.c_str() + colon + 1);

    otlp::OtlpHttpExporterOptions exporter;
    exporter.url = collector + "/v1/traces";
    sdk::BatchSpanProcessorOptions batches;
    batches.max_queue_size = 1 << 20;
    std::shared_ptr<sdk::TracerProvider> provider;
    if (isTraced)
        provider = sdk::TracerProviderFactory::Create(
            sdk::BatchSpanProcessorFactory::Create(otlp::OtlpHttpExporterFactory::Create(exporter), batches));
    opentelemetry::nostd::shared_ptr<trace::Tracer> tracer;
    if (provider) tracer = provider->GetTracer("bench");

    curl_global_init(CURL_GLOBAL_ALL);
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    const auto request = [&] { isTraced ? tracedGet(easy, url, host, port, *tracer) : get(easy); };
    for (int i = 0; i < warmUp; i++) request();
    if (provider) provider->ForceFlush();
    const double before = microsecondsOfCPU();
    for (int i = 0; i < count; i++) request();
    if (provider) provider->ForceFlush();
    printf("%.3f\n", (microsecondsOfCPU() - before) / count);
    curl_easy_cleanup(easy);
    return 0;
}
