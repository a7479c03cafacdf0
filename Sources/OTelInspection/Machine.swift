/// The processor that a program is for (e_machine).
package struct Machine: Equatable, Sendable {
  package let number: UInt64

  package init(number: UInt64) { self.number = number }

  /// The one that this program, and the agent beside it, is built for.
  package static var own: Machine {
    #if arch(x86_64)
    Machine(number: 62)
    #elseif arch(arm64)
    Machine(number: 183)
    #endif
  }

  package var name: String {
    switch number {
    case 3: "x86"
    case 8: "MIPS"
    case 20: "PowerPC"
    case 21: "PowerPC64"
    case 22: "S/390"
    case 40: "ARM"
    case 62: "x86-64"
    case 183: "AArch64"
    case 243: "RISC-V"
    case 258: "LoongArch"
    default: "processor \(number)"
    }
  }
}
