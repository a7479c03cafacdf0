package import OTelPrimitives

/// The known name that somebody who mistyped one probably meant.
package enum NameSuggestion {
  /// The name nearest to `text`, if it is near: at most a third of it is wrong, and at most `limit` letters.
  package static func nearest(to text: Text, among names: [Text], limit: Int) -> Text? {
    var best: Text?
    var least = min(limit, (text.count + 2) / 3) + 1
    for name in names where abs(name.count - text.count) < least {
      let distance = distance(text, name)
      if distance < least {
        least = distance
        best = name
      }
    }
    return best
  }

  /// Levenshtein's distance, in bytes.
  private static func distance(_ first: Text, _ second: Text) -> Int {
    var row = [Int](0...second.count)
    for i in 0..<first.count {
      var diagonal = row[0]
      row[0] = i + 1
      for j in 0..<second.count {
        let substituted = diagonal + (first[i] == second[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
      }
    }
    return row[second.count]
  }
}
