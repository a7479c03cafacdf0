import Glibc

/// The system's own words for an error number.
package enum SystemError {
  package static func description(_ number: Int32) -> String { String(cString: strerror(number)) }
}
