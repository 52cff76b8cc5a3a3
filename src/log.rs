//! Where the library's own words go: syslog, a file, standard error, or nowhere; never standard
//! output. Each line opens its place anew and takes no lock, so that a forked child cannot find one
//! held; a line that cannot be written is lost, and the host never waits for it.
#![forbid(unsafe_code)]

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::path::PathBuf;
use std::process;

use crate::clock::Date;
use crate::error::Code;
use crate::error::Error;
use crate::error::Reason;
use crate::os;
use crate::os::Leaked;

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    Syslog,
    Off,
    Stderr,
    File(PathBuf),
}

/// As syslog numbers them (RFC 5424, 6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Error = 3,
    Warning = 4,
    Info = 6,
    Debug = 7,
}

/// LOG_AUTHPRIV.
const FACILITY: u8 = 10;

static SINK: Leaked<Sink> = Leaked::none();

/// Sends what follows there; syslog before the first call.
pub(crate) fn init(sink: &Sink) {
    let now = SINK.get();
    if now != Some(sink) {
        // Whoever was first read a configuration too.
        SINK.put(now, Box::new(sink.clone()));
    }
}

/// One call that failed. What hosts ask in the ordinary course (is the buffer large enough, is there
/// such an attribute) has no reason and no cause, and is for debugging.
pub(crate) fn failed(function: &'static str, error: &Error) {
    let ordinary = error.reason == Reason::None && error.source.is_none();
    let level = match ordinary {
        _ if error.code == Code::GeneralError => Level::Error,
        true => Level::Debug,
        false => Level::Warning,
    };
    event(level, format_args!("{function}: {error}"));
}

pub(crate) fn warn(what: fmt::Arguments<'_>) {
    event(Level::Warning, what);
}

pub(crate) fn info(what: fmt::Arguments<'_>) {
    event(Level::Info, what);
}

pub(crate) fn debug(what: fmt::Arguments<'_>) {
    event(Level::Debug, what);
}

/// One line. Syslog gets none for debugging: hosts ask a thousand times a second.
pub(crate) fn event(level: Level, what: fmt::Arguments<'_>) {
    let told = match SINK.get().unwrap_or(&Sink::Syslog) {
        Sink::Off => Ok(()),
        Sink::Syslog if level == Level::Debug => Ok(()),
        Sink::Syslog => syslog(Path::new("/dev/log"), level, what),
        Sink::Stderr => os::write_quietly(io::stderr().as_fd(), line(level, what).as_bytes()),
        Sink::File(path) => append(path, &line(level, what)),
    };
    // There is nobody left to tell.
    drop(told);
}

/// RFC 3164, the form that every syslog takes.
fn syslog(socket: &Path, level: Level, what: fmt::Arguments<'_>) -> io::Result<()> {
    let (priority, process) = (FACILITY * 8 + level as u8, process::id());
    let when = Moment(os::realtime_ns());
    let line = plain(&format!("<{priority}>{when} zeq-byok[{process}]: {what}"));
    let sender = UnixDatagram::unbound()?;
    sender.set_nonblocking(true)?;
    sender.send_to(line.as_bytes(), socket).map(drop)
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    // A pipe without a reader is not waited for.
    let file = options.custom_flags(libc::O_NONBLOCK).open(path)?;
    os::write_quietly(file.as_fd(), line.as_bytes())
}

fn line(level: Level, what: fmt::Arguments<'_>) -> String {
    let name = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
    };
    let (seconds, process) = (os::realtime_ns().div_euclid(1_000_000_000), process::id());
    let (day, time) = (Date::of(os::realtime_ns()), Clock(seconds));
    let (year, month, date) = day.parts();
    let text = format!("{year}-{month:02}-{date:02}T{time}Z zeq-byok[{process}] {name}: {what}");
    plain(&text) + "\n"
}

/// A label with a line feed in it makes no second line.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "?")
}

/// Mmm dd hh:mm:ss, in UTC.
struct Moment(i64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let (_, month, day) = Date::of(self.0).parts();
        let at = usize::from(month.saturating_sub(1)) * 3;
        let month = MONTHS.get(at..at + 3).unwrap_or("Jan");
        write!(
            f,
            "{month} {day:2} {}",
            Clock(self.0.div_euclid(1_000_000_000))
        )
    }
}

/// hh:mm:ss of Unix seconds.
struct Clock(i64);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_day = self.0.rem_euclid(86_400);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_file_gets_one_plain_line_an_event_and_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for label in ["one", "two\nforged"] {
            append(&path, &line(Level::Warning, format_args!("label {label}"))).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with("warning: label one"), "{text}");
        assert!(lines[1].ends_with("warning: label two?forged"), "{text}");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn syslog_gets_a_datagram_of_its_form() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let daemon = UnixDatagram::bind(&path).unwrap();
        syslog(&path, Level::Warning, format_args!("store not writable")).unwrap();
        let mut buffer = [0; 256];
        let len = daemon.recv(&mut buffer).unwrap();
        let text = std::str::from_utf8(&buffer[..len]).unwrap();
        let (head, words) = text.split_at(19);
        assert!(head.starts_with("<84>") && head.ends_with(|c: char| c.is_ascii_digit()));
        let process = process::id();
        assert_eq!(words, format!(" zeq-byok[{process}]: store not writable"));
    }

    #[test]
    fn a_syslog_that_is_not_there_or_does_not_read_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert!(syslog(&path, Level::Error, format_args!("x")).is_err());
        let _deaf = UnixDatagram::bind(&path).unwrap();
        let full = (0..100_000).any(|_| syslog(&path, Level::Error, format_args!("x")).is_err());
        assert!(full, "a full queue refuses instead of blocking");
    }

    #[test]
    fn a_closed_pipe_raises_no_signal() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let said = os::write_quietly(writer.as_fd(), b"x").unwrap_err();
        assert_eq!(said.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn moments_are_written_as_syslog_has_them() {
        assert_eq!(Moment(0).to_string(), "Jan  1 00:00:00");
        let later = Moment(1_700_000_000_000_000_000).to_string();
        assert_eq!(later, "Nov 14 22:13:20");
    }
}
