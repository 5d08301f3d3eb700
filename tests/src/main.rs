//! The program under test: a member of the workspace gets no other's binary, so it has a small one of its own.

fn main() -> std::process::ExitCode {
    quarterdeck::main()
}
