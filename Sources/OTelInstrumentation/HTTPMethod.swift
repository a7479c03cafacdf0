public import OTelPrimitives

/// `http.request.method`. Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span
public enum HTTPMethod {
  /// Whether `method` is one of the conventions' known methods; case counts.
  public static func isKnown(_ method: Text) -> Bool {
    switch method.count {
    case 3: method.equals("GET") || method.equals("PUT")
    case 4: method.equals("POST") || method.equals("HEAD")
    case 5: method.equals("PATCH") || method.equals("TRACE") || method.equals("QUERY")
    case 6: method.equals("DELETE")
    case 7: method.equals("OPTIONS") || method.equals("CONNECT")
    default: false
    }
  }

  /// Whether `method` is in `list`, which commas separate and which replaces that of the conventions.
  public static func isKnown(_ method: Text, in list: Text) -> Bool {
    var items = ListItems(list)
    while let item = items.next() {
      if item.equals(method) { return true }
    }
    return false
  }
}
