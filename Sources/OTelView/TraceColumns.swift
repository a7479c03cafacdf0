/// How the columns of a view share its width.
struct TraceColumns: Equatable {
  /// Spaces between two columns.
  let gap: Int
  let name: Int
  let program: Int
  let bar: Int
  let duration: Int
  /// 0: there is no room for any.
  let details: Int

  /// - Parameters: the widest of each that there is.
  init(width: Int, name widestName: Int, program widestProgram: Int, duration: Int, details widestDetails: Int) {
    self.duration = duration
    gap = width < 80 ? 1 : 2
    let shared = width - duration - 4 * gap
    name = min(widestName, max(12, shared * 35 / 100))
    program = min(widestProgram, max(6, shared * 18 / 100))
    let rest = max(8, shared - name - program)
    let wanted = max(rest * 2 / 5, rest - widestDetails)
    bar = min(max(8, wanted), 60, rest)
    details = rest - bar < 4 ? 0 : rest - bar
  }
}
