import Glibc
import OTelLaunch

@main
struct InstrumentCommand {
  static func main() { exit(Launcher.main()) }
}
