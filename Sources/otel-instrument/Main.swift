@main struct InstrumentCommand { static func main() {} }
