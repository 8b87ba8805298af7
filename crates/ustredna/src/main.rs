//! The binary; all it does is in the library beside it.

fn main() -> std::process::ExitCode {
    ustredna::main()
}
