//! The `bearward` program.

fn main() -> std::process::ExitCode {
    bearward::cli::main()
}
