//! An HTTP endpoint to be killed and stopped: `endpoint-under-test NAME ADDRESS`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (Some(name), Some(Ok(address))) = (words.next(), words.next().map(|it| it.parse())) else {
        eprintln!("usage: endpoint-under-test NAME ADDRESS");
        return ExitCode::from(2);
    };
    match tests::endpoint::serve(&name, address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve at {address}: {error}");
            ExitCode::FAILURE
        }
    }
}
