//! The text of a configuration file.

use super::diagnostics::Diagnostics;
use crate::process::file::{self, NotAFile};
use std::io::{self, Read};
use std::path::Path;

/// Many times the ten thousand services that are the most that anybody has; what is larger is
/// another file, a log or an image, and would be memory for nothing.
const BYTES_MAX: u64 = 16 << 20;

/// The text of the file at `path`, to be read. A file is expected that has an end, and has it there:
/// no FIFO, which would be waited for, and of at most 16 MiB.
///
/// This waits for as long as the file system does: who must not wait gives it a thread.
///
/// # Errors
/// The one mistake that the file cannot be read.
pub fn text_of(path: &Path) -> Result<String, Diagnostics> {
    let file = path.display().to_string();
    match text(path) {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(message)) => Err(Diagnostics::of_file(&file, message)),
        Err(error) => Err(Diagnostics::unreadable(&file, &error)),
    }
}

/// The text, or why this file is not what a configuration is read from.
fn text(path: &Path) -> io::Result<Result<String, String>> {
    let file = match file::open(path) {
        Ok(file) => file,
        Err(error) => return NotAFile::of(&error).map(otherwise).map(Err).ok_or(error),
    };
    let mut text = String::new();
    let read = file.take(BYTES_MAX + 1).read_to_string(&mut text);
    Ok(match text.len() as u64 > BYTES_MAX {
        true => Err(format!(
            "the file has more than {} MiB, which no configuration has; name another file",
            BYTES_MAX >> 20
        )),
        false => read.map(|_| Ok(text))?,
    })
}

fn otherwise(NotAFile(what): NotAFile) -> String {
    match what {
        "a directory" => "this is a directory; name a file in it".to_owned(),
        what => format!(
            "this is {what}, which a configuration is not read from; write it to a file, and name \
             that"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    fn refusal(path: &Path) -> String {
        let mistakes = text_of(path).unwrap_err().to_string();
        let (file, why) = mistakes.split_once(": ").unwrap();
        assert_eq!(file, path.display().to_string());
        why.to_owned()
    }

    #[test]
    fn what_is_no_file_is_named_and_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo.toml");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert!(refusal(&fifo).starts_with("this is a FIFO, which"));
        assert!(refusal(directory.path()).starts_with("this is a directory; name"));
        assert!(refusal(Path::new("/dev/zero")).starts_with("this is a device, which"));
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("large.toml");
        let file = File::create(&path).unwrap();
        file.set_len(BYTES_MAX).unwrap();
        assert_eq!(text_of(&path).unwrap().len() as u64, BYTES_MAX);
        file.set_len(BYTES_MAX + 1).unwrap();
        assert!(refusal(&path).starts_with("the file has more than 16 MiB"));
    }
}
