/// A process that recorded spans, as a view names it.
package struct ViewedProcess: Equatable, Sendable {
  /// In its own pid name space; nil when it is not known.
  package var processID: Int?
  /// Only when the user gave one.
  package var serviceName: String?
  package var executableName: String

  package init(processID: Int?, serviceName: String?, executableName: String) {
    self.processID = processID
    self.serviceName = serviceName
    self.executableName = executableName
  }

  /// A name for each: its service where one was named and stands for one program only, else its executable; and with its pid where that
  /// would name several.
  package static func labels(_ processes: [ViewedProcess]) -> [String] {
    var programs: [String: Set<String>] = [:]
    for process in processes {
      if let service = process.serviceName { programs[service, default: []].insert(process.executableName) }
    }
    let names = processes.map { process in
      guard let service = process.serviceName, programs[service]?.count == 1 else { return process.executableName }
      return service
    }
    var uses: [String: Int] = [:]
    for name in names { uses[name, default: 0] += 1 }
    return zip(processes, names).map { process, name in
      guard uses[name, default: 0] > 1, let processID = process.processID else { return name }
      return "\(name)[\(processID)]"
    }
  }
}
