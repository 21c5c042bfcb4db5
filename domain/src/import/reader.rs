//! Bytes into rows: CSV as RFC 4180 has it, read so that one broken line costs that line only.
//!
//! The tokenizer is our own because a library's goes on to the end of the file (and of the memory) after a quote that
//! never closes, and joins the lines between two stray quotes into one row without a word. This one gives back the
//! line in which such a quote opened and reads on behind it. Memory stays below two records of the greatest length.

use std::io::{self, Read};

/// The longest value, in bytes.
pub const FIELD_BYTES_MAX: usize = 1 << 20;
/// The longest row, in bytes, quotes and line breaks included.
pub const RECORD_BYTES_MAX: usize = 4 << 20;
/// The most columns.
pub const COLUMNS_MAX: usize = 300;
/// How much is read at once.
const CHUNK: usize = 1 << 16;

/// How the values of a row are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Between two values: a comma, a semicolon, a tab.
    pub delimiter: u8,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: b',' }
    }
}

impl Dialect {
    /// The delimiter in words.
    fn name(self) -> String {
        match self.delimiter {
            b',' => "comma".to_owned(),
            b';' => "semicolon".to_owned(),
            b'\t' => "tab".to_owned(),
            other => format!("“{}”", char::from(other)),
        }
    }
}

/// A row of the file under its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line in which it begins; the header is line 1.
    pub line: u64,
    /// Its values, as many as the header has columns.
    pub fields: Vec<String>,
}

/// A row that could not be read, or not be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Text in a form that is not read yet.
    #[error("The file is UTF-16 text; please save it as CSV in UTF-8.")]
    Utf16,
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

/// Reads a file row by row. The header is read when it is made.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    dialect: Dialect,
    /// What the source is read into.
    chunk: Vec<u8>,
    /// What was read and is still needed.
    buffer: Vec<u8>,
    /// Where in the buffer the next record begins.
    start: usize,
    /// The line in which it begins.
    line: u64,
    /// Whether the source has nothing more.
    ended: bool,
    headers: Vec<String>,
}

impl<R: Read> Reader<R> {
    /// Begins to read: skips a byte order mark, reads the header.
    ///
    /// # Errors
    /// When there is no header to read: the file is empty, not text, or its first row is broken.
    pub fn new(source: R, dialect: Dialect) -> Result<Self, FileError> {
        let mut reader = Self {
            source,
            dialect,
            chunk: vec![0; CHUNK],
            buffer: Vec::new(),
            start: 0,
            line: 1,
            ended: false,
            headers: Vec::new(),
        };
        while reader.buffer.len() < CHUNK && !reader.ended {
            reader.fill()?;
        }
        match reader.buffer.as_slice() {
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Err(FileError::Utf16),
            [0xEF, 0xBB, 0xBF, ..] => reader.start = 3,
            bytes if bytes.contains(&0) => return Err(FileError::NotText),
            _ => {}
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
            .text(&[], None)
            .map_err(|unreadable| header(unreadable.reason))?;
        reader.headers = row
            .fields
            .into_iter()
            .map(|name| name.trim().to_owned())
            .collect();
        Ok(reader)
    }

    /// The names of the columns, without blanks around them. They may be empty, or come twice.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The next row, or why its line is none; nothing at the end. Lines without any value are skipped.
    ///
    /// # Errors
    /// When the source fails. After that nothing more can be read.
    pub fn read(&mut self) -> Result<Option<Result<Row, Unreadable>>, FileError> {
        let Some(record) = self.record()? else {
            return Ok(None);
        };
        Ok(Some(record.text(&self.headers, Some(self.dialect))))
    }

    fn fill(&mut self) -> io::Result<()> {
        let count = loop {
            match self.source.read(&mut self.chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.buffer
            .extend_from_slice(self.chunk.get(..count).unwrap_or_default());
        self.ended = count == 0;
        Ok(())
    }

    fn byte(&mut self, at: usize) -> io::Result<Option<u8>> {
        while at >= self.buffer.len() && !self.ended {
            self.fill()?;
        }
        Ok(self.buffer.get(at).copied())
    }

    /// Whether a line ends with the byte at this place. Of `\r\n` only the second one ends it.
    fn ends_line(&mut self, byte: u8, at: usize) -> io::Result<bool> {
        Ok(byte == b'\n' || (byte == b'\r' && self.byte(at + 1)? != Some(b'\n')))
    }

    /// The next record that holds anything.
    fn record(&mut self) -> io::Result<Option<Record>> {
        loop {
            // Half of the buffer at least is dropped, so that no byte is moved more than once on average.
            if self.start > CHUNK && self.start > self.buffer.len() / 2 {
                self.buffer.drain(..self.start);
                self.start = 0;
            }
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
    fn scan(&mut self) -> io::Result<Record> {
        let mut record = Record {
            line: self.line,
            fields: Vec::new(),
            flaw: None,
        };
        let mut field = Vec::new();
        let mut state = State::Start;
        let mut lines = 0;
        let mut first: Option<FirstLine> = None;
        let mut at = self.start;
        let flaw = loop {
            let Some(byte) = self.byte(at)? else {
                if state == State::Quoted {
                    break Flaw::NeverCloses;
                }
                record.fields.push(field);
                self.start = at;
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
                    _ => put(&mut field, byte, &mut record.flaw),
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
                    record.fields.push(field);
                    self.start = at;
                    self.line += lines + 1;
                    return Ok(record);
                }
                // The first half of a line end.
                b'\r' => {}
                b'"' if state == State::Start => state = State::Quoted,
                b'"' if state == State::Closed => {
                    put(&mut field, byte, &mut record.flaw);
                    state = State::Quoted;
                }
                _ if byte == self.dialect.delimiter => {
                    record.push(std::mem::take(&mut field));
                    state = State::Start;
                }
                _ if state == State::Closed => {
                    record.flaw = Some(Flaw::Stray);
                    if first.is_some() {
                        break Flaw::Stray;
                    }
                    put(&mut field, byte, &mut record.flaw);
                    state = State::Plain;
                }
                _ => {
                    put(&mut field, byte, &mut record.flaw);
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
    fn give_back(&mut self, first: Option<FirstLine>, at: usize) -> io::Result<()> {
        if let Some(first) = first {
            self.start = first.end;
            self.line += 1;
            return Ok(());
        }
        // The line goes on: forget it as it comes, so that it costs no memory whatever its length.
        self.start = at;
        while let Some(byte) = self.byte(self.start)? {
            let line_ends = self.ends_line(byte, self.start)?;
            self.start += 1;
            if line_ends {
                self.line += 1;
                break;
            }
            if self.start >= CHUNK {
                self.buffer.drain(..self.start);
                self.start = 0;
            }
        }
        Ok(())
    }
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

fn put(field: &mut Vec<u8>, byte: u8, flaw: &mut Option<Flaw>) {
    if field.len() < FIELD_BYTES_MAX {
        field.push(byte);
    } else {
        flaw.get_or_insert(Flaw::FieldTooLong);
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

    /// The record as text. Without a dialect it is the header itself, of any number of columns.
    fn text(self, headers: &[String], dialect: Option<Dialect>) -> Result<Row, Unreadable> {
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
        if let (None, Some(dialect)) = (&reason, dialect.filter(|_| count != headers.len())) {
            reason = Some(wrong_count(count, headers.len(), dialect));
        }
        let mut fields = Vec::with_capacity(count);
        for (place, bytes) in self.fields.into_iter().enumerate() {
            fields.push(String::from_utf8(bytes).unwrap_or_else(|error| {
                reason.get_or_insert_with(|| match headers.get(place) {
                    Some(name) => format!("The value of “{name}” is not UTF-8 text."),
                    None => format!("Field {} is not UTF-8 text.", place + 1),
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
            dialect.name()
        )
    } else {
        format!("{counts}; the row is incomplete.")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
        assert_eq!(rows("\u{feff}a, b ,a\n1,2,3".as_bytes()).0, ["a", "b", "a"]);
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
        let mut reader = Reader::new(&b"a;b\n1;2;3"[..], Dialect { delimiter: b';' }).unwrap();
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
        file.extend(vec![b','; 1_000]);
        file.extend(b"\n3,4\n");
        let told = told(&file);
        assert_eq!(told[0], "2! A value is longer than 1 MB.");
        assert_eq!(told[1], "3! A quote (\") opens in this line and never closes.");
        let long = 3 + RECORD_BYTES_MAX + 2;
        assert_eq!(told[2], format!("{}! The row is longer than 4 MB.", long - 1));
        assert_eq!(told[3], format!("{long}! The row has more than 300 fields."));
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
        assert!(refusal(b"\xFF\xFEa\0,\0").contains("UTF-16"));
        assert_eq!(
            refusal(b"a,\"b\n1,2"),
            "The header, line 1, cannot be read: A quote (\") opens in this line and never closes."
        );
        assert_eq!(
            refusal(b"K\xF6ln,b\n"),
            "The header, line 1, cannot be read: Field 1 is not UTF-8 text."
        );
        assert!(refusal("x,".repeat(500).as_bytes()).contains("more than 300 columns"));
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

    proptest! {
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
