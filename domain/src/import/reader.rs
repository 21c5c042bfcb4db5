//! Bytes into rows: CSV as RFC 4180 has it, read so that one broken line costs that line only.
//!
//! The tokenizer is our own because a library's goes on to the end of the file (and of the memory) after a quote that
//! never closes, and joins the lines between two stray quotes into one row without a word. This one gives back the
//! line in which such a quote opened and reads on behind it. Memory stays below two records of the greatest length.

use std::{
    collections::HashSet,
    io::{self, Read},
};

use serde::{Deserialize, Serialize};

use super::{
    dialect::{Dialect, told_delimiter},
    encoding::{CHUNK, Decoder},
};

/// The longest value, in bytes.
pub const FIELD_BYTES_MAX: usize = 1 << 20;
/// The longest row, in bytes, quotes and line breaks included.
pub const RECORD_BYTES_MAX: usize = 4 << 20;
/// The most columns.
pub const COLUMNS_MAX: usize = 1_000;
/// The longest file, in bytes: 512 MB.
pub const FILE_BYTES_MAX: u64 = 512 << 20;
/// The longest name of a column, in characters; what is longer is cut.
const HEADER_MAX: usize = 100;

/// A row of the file under its header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The line in which it begins; the header is line 1.
    pub line: u64,
    /// Its values, as many as the header has columns.
    pub fields: Vec<String>,
}

/// A row that could not be read, or not be mapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// The line in which it begins; the header is line 1.
    pub line: u64,
    /// Why, in whole sentences.
    pub reason: String,
    /// Its values as far as they could be read; what was not UTF-8 is replaced by U+FFFD.
    pub fields: Vec<String>,
}

/// Why a file cannot be read at all, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Nothing in it.
    #[error("The file is empty.")]
    Empty,
    /// A picture, an archive, a workbook.
    #[error("This is not a text file. A workbook must first be saved as CSV.")]
    NotText,
    /// A workbook, or an archive, which to its first bytes is the same.
    #[error("This is a workbook or an archive, not a text file; please save the sheet as CSV.")]
    Workbook,
    /// Columns, and nothing under them. Said by whoever wants rows, never by the reader.
    #[error("The file has a header, but no rows under it.")]
    NoRows,
    /// It exceeds [`FILE_BYTES_MAX`].
    #[error("The file is larger than 512 MB; please split it.")]
    TooLarge,
    /// The first line does not name columns.
    #[error("The header, line {line}, cannot be read: {reason}")]
    Header {
        /// Its line.
        line: u64,
        /// Why, as a sentence.
        reason: String,
    },
    /// The source failed.
    #[error("The file could not be read to its end.")]
    Io(#[from] io::Error),
}

/// A place between two rows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// How many bytes of the file lie before it, in the file's own encoding.
    pub byte: u64,
    /// The line that begins there; the header is line 1.
    pub line: u64,
}

/// Reads a file row by row. The header is read when it is made.
#[derive(Debug)]
pub struct Reader<R> {
    source: Decoder<R>,
    dialect: Dialect,
    /// What was read, decoded, and is still needed.
    buffer: Vec<u8>,
    /// Where in the buffer the next record begins.
    start: usize,
    /// Where in the file, and on which line.
    position: Position,
    /// How much of the file has been read.
    raw: u64,
    /// Whether the source has nothing more.
    ended: bool,
    /// Whether the end came while a quote was open.
    ended_in_quotes: bool,
    headers: Vec<String>,
}

impl<R: Read> Reader<R> {
    /// Begins to read: skips a byte order mark, reads the header.
    ///
    /// # Errors
    /// When there is no header to read: the file is empty, not text, or its first row is broken.
    pub fn new(source: R, dialect: Dialect) -> Result<Self, FileError> {
        let mut reader = Self::resume(source, dialect, Vec::new(), Position { byte: 0, line: 1 });
        while reader.buffer.len() < CHUNK && !reader.ended {
            reader.fill()?;
        }
        if reader.buffer.contains(&0) {
            return Err(FileError::NotText);
        }
        if reader.buffer.starts_with("\u{feff}".as_bytes()) {
            reader.start = 3;
            reader.position.byte = dialect.encoding.mark().len() as u64;
        }
        let head = reader.buffer.get(reader.start..).unwrap_or_default();
        let first = head.get(..head.len().min(8)).unwrap_or_default();
        if told_delimiter(&String::from_utf8_lossy(first)).is_some() {
            reader.scan()?;
        }
        let Some(record) = reader.record()? else {
            return Err(FileError::Empty);
        };
        let line = record.line;
        let header = |reason: String| FileError::Header { line, reason };
        if record.fields.len() > COLUMNS_MAX {
            return Err(header(format!("it has more than {COLUMNS_MAX} columns.")));
        }
        let row = record
            .text(&[], dialect)
            .map_err(|unreadable| header(unreadable.reason))?;
        reader.headers = headers(row.fields);
        Ok(reader)
    }

    /// Goes on at a [`Reader::position`] of another reader of the same file: `source` begins there.
    pub fn resume(source: R, dialect: Dialect, headers: Vec<String>, at: Position) -> Self {
        Self {
            source: Decoder::new(source, dialect.encoding),
            dialect,
            buffer: Vec::new(),
            start: 0,
            position: at,
            raw: at.byte,
            ended: false,
            ended_in_quotes: false,
            headers,
        }
    }

    /// The names of the columns: never empty, and none twice.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The place behind the last row that was read. Resuming there gives exactly the rows that follow it.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The next row, or why its line is none; nothing at the end. Lines without any value are skipped.
    ///
    /// # Errors
    /// When the source fails. After that nothing more can be read.
    pub fn read(&mut self) -> Result<Option<Result<Row, Unreadable>>, FileError> {
        let Some(record) = self.record()? else {
            return Ok(None);
        };
        Ok(Some(record.text(&self.headers, self.dialect)))
    }

    fn fill(&mut self) -> Result<(), FileError> {
        let count = self.source.fill(&mut self.buffer)?;
        self.ended = count == 0;
        self.raw += count as u64;
        if self.raw > FILE_BYTES_MAX {
            return Err(FileError::TooLarge);
        }
        Ok(())
    }

    fn byte(&mut self, at: usize) -> Result<Option<u8>, FileError> {
        while at >= self.buffer.len() && !self.ended {
            self.fill()?;
        }
        Ok(self.buffer.get(at).copied())
    }

    /// Steps to a place further on in the buffer, over so many line ends.
    fn step(&mut self, to: usize, lines: u64) {
        let passed = self.buffer.get(self.start..to).unwrap_or_default();
        self.position.byte += self.dialect.encoding.raw_len(passed);
        self.position.line += lines;
        self.start = to;
    }

    /// What may follow at a place up to the greatest length of a record, as far as it was read, up to a byte that
    /// `ends` it.
    fn run(&self, at: usize, ends: impl Fn(u8) -> bool) -> &[u8] {
        let limit = self.buffer.len().min(self.start + RECORD_BYTES_MAX);
        let rest = self.buffer.get(at..limit).unwrap_or_default();
        let length = rest.iter().position(|&byte| ends(byte)).unwrap_or(rest.len());
        rest.get(..length).unwrap_or_default()
    }

    /// Whether a line ends with the byte at this place. Of `\r\n` only the second one ends it.
    fn ends_line(&mut self, byte: u8, at: usize) -> Result<bool, FileError> {
        Ok(byte == b'\n' || (byte == b'\r' && self.byte(at + 1)? != Some(b'\n')))
    }

    /// The next record that holds anything.
    fn record(&mut self) -> Result<Option<Record>, FileError> {
        loop {
            self.forget();
            if self.byte(self.start)?.is_none() {
                return Ok(None);
            }
            let record = self.scan()?;
            if record.flaw.is_some() || record.fields.iter().any(|field| !field.trim_ascii().is_empty()) {
                return Ok(Some(record));
            }
        }
    }

    /// Reads one record, however empty, and steps behind it.
    fn scan(&mut self) -> Result<Record, FileError> {
        let mut record = Record {
            line: self.position.line,
            fields: Vec::with_capacity(self.headers.len()),
            flaw: None,
        };
        let mut field = Vec::new();
        let mut state = State::Start;
        let mut lines = 0;
        let mut first: Option<FirstLine> = None;
        let mut at = self.start;
        let delimiter = self.dialect.delimiter.byte();
        let flaw = loop {
            let plain = match state {
                State::Quoted => self.run(at, |byte| matches!(byte, b'"' | b'\r' | b'\n')),
                State::Plain => self.run(at, |byte| byte == delimiter || matches!(byte, b'\r' | b'\n')),
                State::Start | State::Closed => &[],
            };
            put(&mut field, plain, &mut record.flaw);
            at += plain.len();
            let Some(byte) = self.byte(at)? else {
                if state == State::Quoted {
                    self.ended_in_quotes = true;
                    break Flaw::NeverCloses;
                }
                record.push(field);
                self.step(at, lines);
                return Ok(record);
            };
            if at - self.start >= RECORD_BYTES_MAX {
                break if first.is_some() {
                    Flaw::NeverCloses
                } else {
                    Flaw::TooLong
                };
            }
            let line_ends = self.ends_line(byte, at)?;
            at += 1;
            if state == State::Quoted {
                match byte {
                    b'"' => state = State::Closed,
                    _ => put(&mut field, &[byte], &mut record.flaw),
                }
                if line_ends {
                    lines += 1;
                    let here = FirstLine {
                        end: at,
                        fields: record.fields.len(),
                        bytes: field.len(),
                    };
                    first.get_or_insert(here);
                    // A row that is broken already must not take the following lines with it.
                    if record.flaw == Some(Flaw::Stray) {
                        break Flaw::Stray;
                    }
                }
                continue;
            }
            match byte {
                _ if line_ends => {
                    record.push(field);
                    self.step(at, lines + 1);
                    return Ok(record);
                }
                // The first half of a line end.
                b'\r' => {}
                b'"' if state == State::Start => state = State::Quoted,
                b'"' if state == State::Closed => {
                    put(&mut field, &[byte], &mut record.flaw);
                    state = State::Quoted;
                }
                _ if byte == delimiter => {
                    record.push(std::mem::take(&mut field));
                    state = State::Start;
                }
                _ if state == State::Closed => {
                    record.flaw = Some(Flaw::Stray);
                    if first.is_some() {
                        break Flaw::Stray;
                    }
                    put(&mut field, &[byte], &mut record.flaw);
                    state = State::Plain;
                }
                _ => {
                    put(&mut field, &[byte], &mut record.flaw);
                    state = State::Plain;
                }
            }
        };
        record.push(field);
        record.flaw = Some(flaw);
        self.give_back(first, at)?;
        if let Some(first) = first {
            record.fields.truncate(first.fields + 1);
            if let Some(last) = record.fields.last_mut() {
                last.truncate(first.bytes);
            }
        }
        Ok(record)
    }

    /// After a broken record: goes on behind the line in which it began.
    fn give_back(&mut self, first: Option<FirstLine>, at: usize) -> Result<(), FileError> {
        if let Some(first) = first {
            self.step(first.end, 1);
            return Ok(());
        }
        // The line goes on: forget it as it comes, so that it costs no memory whatever its length.
        self.step(at, 0);
        loop {
            let run = self.run(self.start, |byte| matches!(byte, b'\r' | b'\n')).len();
            self.step(self.start + run, 0);
            self.forget();
            let Some(byte) = self.byte(self.start)? else {
                return Ok(());
            };
            let line_ends = self.ends_line(byte, self.start)?;
            self.step(self.start + 1, u64::from(line_ends));
            if line_ends {
                return Ok(());
            }
        }
    }

    /// Drops what is behind the start, once it is half of the buffer: so that no byte is moved more than once on
    /// average.
    fn forget(&mut self) {
        if self.start >= CHUNK && self.start > self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
    }
}

/// The first rows of a file, for a guess at its mapping and for a preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The names of the columns, as [`Reader::headers`] has them.
    pub headers: Vec<String>,
    /// The rows that can be read.
    pub rows: Vec<Row>,
    /// Those that cannot.
    pub unreadable: Vec<Unreadable>,
}

impl Sample {
    /// Reads at most `most` rows from the beginning of a file. Unless that is the `whole` file, a row that the cut may
    /// have parted is left out.
    ///
    /// # Errors
    /// As [`Reader::new`], and [`FileError::NoRows`] when there is a header only.
    pub fn read(head: &[u8], whole: bool, dialect: Dialect, most: usize) -> Result<Self, FileError> {
        let mut reader = Reader::new(head, dialect)?;
        let mut sample = Self {
            headers: reader.headers.clone(),
            rows: Vec::new(),
            unreadable: Vec::new(),
        };
        while sample.rows.len() + sample.unreadable.len() < most {
            let Some(row) = reader.read()? else {
                break;
            };
            if !whole && (reader.ended_in_quotes || reader.position.byte >= head.len() as u64) {
                break;
            }
            match row {
                Ok(row) => sample.rows.push(row),
                Err(row) => sample.unreadable.push(row),
            }
        }
        if whole && sample.rows.is_empty() && sample.unreadable.is_empty() {
            return Err(FileError::NoRows);
        }
        Ok(sample)
    }
}

/// The names of the columns, cleaned: blank ones are named by their place, what comes again is numbered.
fn headers(raw: Vec<String>) -> Vec<String> {
    let mut taken = HashSet::new();
    let cleaned = raw.into_iter().enumerate().map(|(place, name)| {
        let words: Vec<_> = name
            .split(|c: char| c.is_whitespace() || c.is_control())
            .collect();
        let joined = words
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        let mut clean: String = joined.chars().take(HEADER_MAX).collect();
        if clean.is_empty() {
            clean = format!("Column {}", place + 1);
        }
        let mut unique = clean.clone();
        let mut count = 2;
        while !taken.insert(unique.clone()) {
            unique = format!("{clean} ({count})");
            count += 1;
        }
        unique
    });
    cleaned.collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of a value.
    Start,
    /// In a value without quotes; a quote stands for itself.
    Plain,
    /// Between quotes.
    Quoted,
    /// Behind the closing quote, or the first of a doubled one.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// A quote opens and does not close.
    NeverCloses,
    /// Text follows a closing quote.
    Stray,
    /// The row exceeds [`RECORD_BYTES_MAX`].
    TooLong,
    /// A value exceeds [`FIELD_BYTES_MAX`].
    FieldTooLong,
    /// The row has more values than any header.
    TooMany,
}

/// Where the first line of a record ended that goes on over several: behind which byte, in which value, how far in it.
#[derive(Clone, Copy)]
struct FirstLine {
    end: usize,
    fields: usize,
    bytes: usize,
}

fn put(field: &mut Vec<u8>, bytes: &[u8], flaw: &mut Option<Flaw>) {
    let room = FIELD_BYTES_MAX - field.len();
    match bytes.get(..room) {
        Some(fitting) if bytes.len() > room => {
            field.extend_from_slice(fitting);
            flaw.get_or_insert(Flaw::FieldTooLong);
        }
        _ => field.extend_from_slice(bytes),
    }
}

struct Record {
    line: u64,
    fields: Vec<Vec<u8>>,
    flaw: Option<Flaw>,
}

impl Record {
    /// Adds a value; four megabytes of commas do not become four million of them.
    fn push(&mut self, field: Vec<u8>) {
        if self.fields.len() > COLUMNS_MAX {
            self.flaw.get_or_insert(Flaw::TooMany);
        } else {
            self.fields.push(field);
        }
    }

    /// The record as text. Without headers it is the header itself, of any number of columns.
    fn text(self, headers: &[String], dialect: Dialect) -> Result<Row, Unreadable> {
        let (line, count) = (self.line, self.fields.len());
        let mut reason = self.flaw.map(|flaw| match flaw {
            Flaw::NeverCloses => "A quote (\") opens in this line and never closes.".to_owned(),
            Flaw::Stray => {
                "Text follows a closing quote (\"); a quote inside a value must be doubled.".to_owned()
            }
            Flaw::TooLong => format!("The row is longer than {} MB.", RECORD_BYTES_MAX >> 20),
            Flaw::FieldTooLong => format!("A value is longer than {} MB.", FIELD_BYTES_MAX >> 20),
            Flaw::TooMany => format!("The row has more than {COLUMNS_MAX} fields."),
        });
        if reason.is_none() && !headers.is_empty() && count != headers.len() {
            reason = Some(wrong_count(count, headers.len(), dialect));
        }
        let encoding = dialect.encoding.label();
        let mut fields = Vec::with_capacity(count);
        for (place, bytes) in self.fields.into_iter().enumerate() {
            fields.push(String::from_utf8(bytes).unwrap_or_else(|error| {
                reason.get_or_insert_with(|| match headers.get(place) {
                    Some(name) => format!("The value of “{name}” is not {encoding} text."),
                    None => format!("Field {} is not {encoding} text.", place + 1),
                });
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }));
        }
        match reason {
            None => Ok(Row { line, fields }),
            Some(reason) => Err(Unreadable { line, reason, fields }),
        }
    }
}

fn wrong_count(count: usize, columns: usize, dialect: Dialect) -> String {
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let counts = format!(
        "{} under a header of {}",
        plural(count, "field"),
        plural(columns, "column")
    );
    if count > columns {
        format!(
            "{counts}; a {} inside a value needs quotes around it.",
            dialect.delimiter.word()
        )
    } else {
        format!("{counts}; the row is incomplete.")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{Delimiter, Encoding},
        *,
    };

    type Line = Result<Row, Unreadable>;

    fn rows(bytes: &[u8]) -> (Vec<String>, Vec<Line>) {
        let mut reader = Reader::new(bytes, Dialect::default()).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = reader.read().unwrap() {
            rows.push(row);
        }
        (reader.headers, rows)
    }

    /// `2: a|b` for a row, `3! reason` for an unreadable one.
    fn told(bytes: &[u8]) -> Vec<String> {
        let told = |row: &Line| match row {
            Ok(row) => format!("{}: {}", row.line, row.fields.join("|")),
            Err(bad) => format!("{}! {}", bad.line, bad.reason),
        };
        rows(bytes).1.iter().map(told).collect()
    }

    #[test]
    fn rows_are_told_with_the_line_they_begin_in() {
        let file = b"a,b\n1,2\r\n\n  ,  \n\"3\n3\",4\n5,\"six \"\"6\"\"\"\n7,8";
        assert_eq!(told(file), ["2: 1|2", "5: 3\n3|4", "7: 5|six \"6\"", "8: 7|8"]);
    }

    #[test]
    fn a_byte_order_mark_and_blanks_around_names_are_not_part_of_the_header() {
        assert_eq!(rows("\u{feff}a, b ,a\n1,2,3".as_bytes()).0, ["a", "b", "a (2)"]);
    }

    #[test]
    fn a_lone_carriage_return_ends_a_line_too() {
        assert_eq!(
            told(b"a,b\r1,2\r\"x\ry\",3\r4,5"),
            ["2: 1|2", "3: x\ry|3", "5: 4|5"]
        );
    }

    #[test]
    fn a_wrong_number_of_fields_is_named_with_the_way_to_mend_it() {
        assert_eq!(
            told(b"a,b\n1\n1,2\n1,2,3\n"),
            [
                "2! 1 field under a header of 2 columns; the row is incomplete.",
                "3: 1|2",
                "4! 3 fields under a header of 2 columns; a comma inside a value needs quotes around it.",
            ]
        );
        let mut reader = Reader::new(
            &b"a;b\n1;2;3"[..],
            Dialect {
                delimiter: Delimiter::Semicolon,
                ..Dialect::default()
            },
        )
        .unwrap();
        let bad = reader.read().unwrap().unwrap().unwrap_err();
        assert!(bad.reason.contains("a semicolon inside"));
        assert_eq!(bad.fields, ["1", "2", "3"]);
    }

    #[test]
    fn a_quote_that_never_closes_costs_its_own_line_only() {
        let file = b"a,b\n1,2\nx,\"3\n4,5\n6,7\n";
        assert_eq!(
            told(file),
            [
                "2: 1|2",
                "3! A quote (\") opens in this line and never closes.",
                "4: 4|5",
                "5: 6|7"
            ]
        );
        assert_eq!(rows(file).1[1].clone().unwrap_err().fields, ["x", "3\n"]);
    }

    #[test]
    fn a_quote_that_closes_in_a_later_line_by_accident_costs_its_own_line_only() {
        let stray = "Text follows a closing quote (\"); a quote inside a value must be doubled.";
        assert_eq!(
            told(b"a,b\n1,\"2\n3,\"4\"\n5,6\n"),
            [format!("2! {stray}"), "3: 3|4".to_owned(), "4: 5|6".to_owned()]
        );
        assert_eq!(
            told(b"a,b\n\"1\"x,2\n3,4\n"),
            [format!("2! {stray}"), "3: 3|4".to_owned()]
        );
        assert_eq!(
            told(b"a,b\n\"1\"x,\"2\n3,4\n"),
            [format!("2! {stray}"), "3: 3|4".to_owned()]
        );
    }

    #[test]
    fn a_quote_inside_a_plain_value_stands_for_itself() {
        assert_eq!(told(b"a,b\n5\" pipe,2\n"), ["2: 5\" pipe|2"]);
    }

    #[test]
    fn bytes_that_are_not_utf_8_make_their_line_unreadable() {
        assert_eq!(
            told(b"a,city\n1,K\xF6ln\n2,Bern\n"),
            ["2! The value of “city” is not UTF-8 text.", "3: 2|Bern"]
        );
    }

    #[test]
    fn what_is_too_long_is_refused_and_the_next_line_is_read() {
        let mut file = b"a,b\n1,".to_vec();
        file.extend(vec![b'x'; FIELD_BYTES_MAX + 1]);
        file.extend(b"\n1,\"");
        file.extend(vec![b'\n'; RECORD_BYTES_MAX]);
        file.extend(b"\n");
        file.extend(vec![b'y'; 3 * RECORD_BYTES_MAX]);
        file.extend(b"\n");
        file.extend(vec![b','; COLUMNS_MAX + 1]);
        file.extend(b"\n3,4\n");
        let told = told(&file);
        assert_eq!(told[0], "2! A value is longer than 1 MB.");
        assert_eq!(told[1], "3! A quote (\") opens in this line and never closes.");
        let long = 3 + RECORD_BYTES_MAX + 2;
        assert_eq!(told[2], format!("{}! The row is longer than 4 MB.", long - 1));
        assert_eq!(
            told[3],
            format!("{long}! The row has more than {COLUMNS_MAX} fields.")
        );
        assert_eq!(told[4], format!("{}: 3|4", long + 1));
        assert_eq!(told.len(), 5);
    }

    #[test]
    fn a_value_of_just_the_limit_is_read() {
        let file = format!("a,b\n1,{}", "x".repeat(FIELD_BYTES_MAX));
        assert!(rows(file.as_bytes()).1[0].is_ok());
    }

    #[test]
    fn a_file_that_is_none_is_refused_with_a_sentence() {
        let refusal = |bytes: &[u8]| Reader::new(bytes, Dialect::default()).unwrap_err().to_string();
        assert_eq!(refusal(b""), "The file is empty.");
        assert_eq!(refusal(b"\xEF\xBB\xBF\n \n,,\n"), "The file is empty.");
        assert_eq!(
            refusal(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
            "This is not a text file. A workbook must first be saved as CSV."
        );
        assert_eq!(
            refusal(b"a,\"b\n1,2"),
            "The header, line 1, cannot be read: A quote (\") opens in this line and never closes."
        );
        assert_eq!(
            refusal(b"K\xF6ln,b\n"),
            "The header, line 1, cannot be read: Field 1 is not UTF-8 text."
        );
        let columns = format!("more than {COLUMNS_MAX} columns");
        assert!(refusal("x,".repeat(COLUMNS_MAX + 1).as_bytes()).contains(&columns));
    }

    #[test]
    fn a_header_without_rows_gives_none() {
        assert_eq!(rows(b"a,b\n"), (vec!["a".to_owned(), "b".to_owned()], Vec::new()));
    }

    #[test]
    fn a_source_that_fails_is_not_the_end_of_the_file() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let head = vec![b'x'; 2 * CHUNK];
        let mut reader = Reader::new(
            io::Read::chain(&b"a\n1\n"[..], head.chain(Broken)),
            Dialect::default(),
        )
        .unwrap();
        assert!(reader.read().unwrap().is_some());
        assert!(matches!(reader.read(), Err(FileError::Io(_))));
    }

    /// Gives a few bytes at a time, so that every state is met at the border of a chunk.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(target.len()).min(self.0.len());
            let (now, later) = self.0.split_at(count);
            target[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Encoding::Windows1252 => text
                .chars()
                .map(|c| match c {
                    '€' => 0x80,
                    '“' => 0x93,
                    '”' => 0x94,
                    c => u8::try_from(u32::from(c)).unwrap_or(0x81),
                })
                .collect(),
        }
    }

    #[test]
    fn every_encoding_reads_the_same_text() {
        let text = "Name,Ort\nJürgen “J.” 5 €,Köln\n\"Ä\n,\",x\n";
        for encoding in Encoding::EVERY {
            let file = encoded(text, encoding);
            let mut reader = Reader::new(
                Slow(&file, 3),
                Dialect {
                    encoding,
                    ..Dialect::default()
                },
            )
            .unwrap();
            let read: Vec<_> = std::iter::from_fn(|| reader.read().unwrap())
                .map(|row| row.unwrap().fields)
                .collect();
            assert_eq!(read, [["Jürgen “J.” 5 €", "Köln"], ["Ä\n,", "x"]], "{encoding:?}");
        }
    }

    #[test]
    fn what_an_encoding_does_not_have_makes_its_row_unreadable_only() {
        let dialect = |encoding| Dialect {
            encoding,
            ..Dialect::default()
        };
        let told = |bytes: &[u8], encoding| {
            let mut reader = Reader::new(bytes, dialect(encoding)).unwrap();
            let bad = reader.read().unwrap().unwrap().unwrap_err();
            assert!(reader.read().unwrap().unwrap().is_ok());
            (bad.reason, bad.fields)
        };
        assert_eq!(
            told(b"a,b\n\x81,1\n2,3\n", Encoding::Windows1252),
            (
                "The value of “a” is not Windows-1252 text.".to_owned(),
                vec!["\u{fffd}".to_owned(), "1".to_owned()]
            )
        );
        let mut file = encoded("a,b\n?,1\n2,3\n", Encoding::Utf16Le);
        file[8..10].copy_from_slice(&[0x00, 0xD8]);
        let (reason, fields) = told(&file, Encoding::Utf16Le);
        assert_eq!(
            (reason.as_str(), fields[0].as_str()),
            ("The value of “a” is not UTF-16 text.", "\u{fffd}")
        );
        // Half a unit at the end is part of the last row.
        let mut file = encoded("a,b\n1,2", Encoding::Utf16Be);
        file.push(0);
        let mut reader = Reader::new(&file[..], dialect(Encoding::Utf16Be)).unwrap();
        assert!(reader.read().unwrap().unwrap().is_err());
        assert_eq!(reader.position().byte, file.len() as u64);
    }

    #[test]
    fn columns_have_names_and_none_twice() {
        let long = "x".repeat(1_000);
        let file = format!("a,,a,a (2),\"b\n c\",A,{long}\n1,2,3,4,5,6,7");
        let (headers, rows) = rows(file.as_bytes());
        assert_eq!(headers[..6], ["a", "Column 2", "a (2)", "a (2) (2)", "b c", "A"]);
        assert_eq!(headers[6].len(), HEADER_MAX);
        assert!(rows[0].is_ok());
    }

    #[test]
    fn a_sample_leaves_out_what_the_cut_parted() {
        let file = b"a,b\n1,2\n3\n4,\"5\n6\"\n7,8\n";
        let sample = |end: usize, whole| {
            let sample = Sample::read(&file[..end], whole, Dialect::default(), 9).unwrap();
            (sample.rows.len(), sample.unreadable.len())
        };
        assert_eq!(sample(file.len(), true), (3, 1));
        assert_eq!(sample(7, false), (0, 0));
        assert_eq!((sample(10, false), sample(12, false)), ((1, 0), (1, 1)));
        // Inside the quotes.
        assert_eq!(sample(15, false), (1, 1));
        assert_eq!(
            Sample::read(file, true, Dialect::default(), 1)
                .unwrap()
                .rows
                .len(),
            1
        );
        let only = Sample::read(b"a,b\n\n", true, Dialect::default(), 9).unwrap_err();
        assert_eq!(only.to_string(), "The file has a header, but no rows under it.");
    }

    #[test]
    fn a_line_that_names_the_delimiter_is_no_header() {
        let dialect = Dialect {
            delimiter: Delimiter::Semicolon,
            ..Dialect::default()
        };
        let mut reader = Reader::new(&b"\xEF\xBB\xBFsep=;\r\na;b\r\n1;2"[..], dialect).unwrap();
        assert_eq!(reader.headers(), ["a", "b"]);
        assert_eq!(reader.position(), Position { byte: 15, line: 3 });
        assert_eq!(reader.read().unwrap().unwrap().unwrap().line, 3);
    }

    #[test]
    fn a_file_larger_than_the_limit_is_refused_and_costs_no_memory() {
        let row = [b'x'; 1_000];
        let head = &b"a\n"[..];
        let endless = head.chain(io::repeat(b'\n'));
        let mut reader = Reader::new(endless, Dialect::default()).unwrap();
        reader.raw = FILE_BYTES_MAX - 10 * CHUNK as u64;
        assert!(matches!(reader.read(), Err(FileError::TooLarge)));
        assert!(reader.buffer.capacity() < 8 * CHUNK);
        // Rows, too, leave nothing behind.
        let rows = row
            .chain(&b"\n"[..])
            .bytes()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
            .repeat(20_000);
        let mut reader = Reader::new(head.chain(&rows[..]), Dialect::default()).unwrap();
        let mut count = 0;
        while reader.read().unwrap().is_some() {
            count += 1;
            assert!(reader.buffer.capacity() < 8 * CHUNK);
        }
        assert_eq!(count, 20_000);
    }

    proptest! {
        #[test]
        fn reading_on_at_any_position_gives_the_rows_that_follow(
            text in r#"([aäß€",\n\r“ x]{0,12}|"[ab,\n\r]{0,5}"(,|\n)){0,12}"#,
            encoding in prop::sample::select(Encoding::EVERY.to_vec()),
            mark in any::<bool>(),
            emoji in any::<bool>(),
            step in 1usize..9,
        ) {
            let text = format!("{}h,i\n{text}", if mark && encoding != Encoding::Windows1252 { "\u{feff}" } else { "" });
            let text = if emoji && encoding != Encoding::Windows1252 { text.replace('ß', "🦀") } else { text };
            let file = encoded(&text, encoding);
            let dialect = Dialect { encoding, ..Dialect::default() };
            let rest = |reader: &mut Reader<Slow<'_>>| {
                let mut rows = Vec::new();
                while let Some(row) = reader.read().unwrap() {
                    rows.push((row, reader.position()));
                }
                rows
            };
            let mut reader = Reader::new(Slow(&file, step), dialect).unwrap();
            let headers = reader.headers().to_vec();
            let mut positions = vec![reader.position()];
            let all = rest(&mut reader);
            positions.extend(all.iter().map(|(_, position)| *position));
            for (place, at) in positions.iter().enumerate() {
                let source = Slow(&file[usize::try_from(at.byte).unwrap()..], step);
                let mut reader = Reader::resume(source, dialect, headers.clone(), *at);
                prop_assert_eq!(&rest(&mut reader)[..], &all[place..]);
            }
        }

        #[test]
        fn what_a_writer_wrote_is_read_back(
            table in prop::collection::vec(prop::collection::vec("[a-zé\",\r\n ]{0,8}x", 3), 1..12),
            step in 1usize..9,
        ) {
            let mut writer = csv::Writer::from_writer(b"a,b,c\n".to_vec());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let file = writer.into_inner().unwrap();
            let mut reader = Reader::new(Slow(&file, step), Dialect::default()).unwrap();
            let mut read = Vec::new();
            while let Some(row) = reader.read().unwrap() {
                read.push(row.unwrap().fields);
            }
            prop_assert_eq!(read, table);
        }

        #[test]
        fn a_file_without_flaws_is_read_as_the_csv_crate_reads_it(
            rows in prop::collection::vec(
                prop::collection::vec(prop_oneof!["[a-z ]{1,4}x", "x[a-z\"]{0,4}", "\"x([a-z\r\n,]|\"\"){0,6}\""], 2),
                1..8,
            ),
            end in prop::sample::select(vec!["\n", "\r\n"]),
        ) {
            let lines: Vec<_> = rows.iter().map(|row| row.join(",")).collect();
            let file = format!("a,b{end}{}", lines.join(end));
            let theirs: Vec<Vec<String>> = csv::Reader::from_reader(file.as_bytes())
                .records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                .collect();
            let ours: Vec<_> = self::rows(file.as_bytes()).1.into_iter().map(|row| row.unwrap().fields).collect();
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn any_bytes_are_read_to_the_end(
            bytes in prop::collection::vec(prop_oneof![
                any::<u8>(), prop::sample::select(b"\",\r\n a".to_vec()), prop::sample::select(b"\",\n".to_vec()),
            ], 0..200),
        ) {
            let Ok(mut reader) = Reader::new(&bytes[..], Dialect::default()) else { return Ok(()) };
            let mut last = 0;
            while let Some(row) = reader.read().unwrap() {
                let line = match row { Ok(row) => row.line, Err(bad) => bad.line };
                prop_assert!(line > last);
                last = line;
            }
            let ends = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
            prop_assert!(last <= ends as u64 + 1);
        }
    }
}
