//! The log: lines without secrets, to standard error.

use std::{
    fmt::{self, Write},
    io::{IsTerminal, stderr},
};

use tracing_subscriber::{
    EnvFilter,
    field::{MakeExt, RecordFields},
    fmt::{
        FormatFields,
        format::{self, Writer},
    },
};

use crate::config::LogFormat;

/// Begins it, and has panics told in it.
pub(crate) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr);
    match format {
        LogFormat::Text => log.fmt_fields(OneLine).init(),
        LogFormat::Json => log.json().init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or_default();
        tracing::error!(place, what, "a panic");
    }));
}

/// Fields as text that stays in its line: what strangers sent, or PostgreSQL said, may hold line ends, and so would make
/// lines of its own.
struct OneLine;

impl<'w> FormatFields<'w> for OneLine {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let fields_of_text = format::debug_fn(|writer, field, value| {
            match field.name() {
                // Where a line of a library comes from: its target says that already.
                name if name.starts_with("log.") => return Ok(()),
                "message" => {}
                name => write!(writer, "{name}=")?,
            }
            write!(Escaping(writer), "{value:?}")
        });
        fields_of_text.delimited(" ").format_fields(writer, fields)
    }
}

/// Writes control characters by their names.
struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if c.is_control() {
                write!(self.0, "{}", c.escape_default())?;
            } else {
                self.0.write_char(c)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rapport_testing::Kept;

    use super::*;

    #[test]
    fn nobody_writes_lines_of_their_own() {
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .fmt_fields(OneLine)
            .finish();
        tracing::subscriber::with_default(log, || {
            let span = tracing::info_span!("request", path = "/a\nb", from = %"x\r\ny");
            let _in = span.enter();
            let cause = "no\n2026-11-30T00:00:00Z  INFO signed in\u{1b}[31m";
            tracing::error!(%cause, status = 500, "a defect\nof ours");
        });
        let said = kept.text();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!said.contains('\u{1b}'), "{said}");
        for part in [
            r"from=x\r\ny",
            r"cause=no\n2026",
            "status=500",
            r"a defect\nof ours",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
