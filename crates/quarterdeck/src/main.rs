//! The `quarterdeck` program.

fn main() -> std::process::ExitCode {
    quarterdeck::main()
}
