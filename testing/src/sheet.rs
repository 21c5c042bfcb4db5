//! A file of customers of any length, the same at every run, with known numbers of everything that makes files hard.

use std::{
    fmt::Write,
    io::{self, Read},
};

/// Every so many rows one has a value too many, as from an address with an unquoted comma.
const BROKEN_EVERY: u64 = 100;
/// Every so many rows one says again, word for word, what the row three before it said.
const AGAIN_EVERY: u64 = 20;
/// Every so many rows one has a line break in a quoted value.
const BREAK_EVERY: u64 = 10;
/// Where in their rounds those rows stand: never two at once.
const BROKEN_AT: u64 = 99;
const AGAIN_AT: u64 = 7;
const BREAK_AT: u64 = 5;

const FIRST: [&str; 7] = ["Ada", "Zoë", "Jürgen", "Łucja", "Ángel", "Ben", "Björn"];
const LAST: [&str; 5] = ["Byron", "Núñez", "Müller-Lüdenscheidt", "O'Neill", "Šimek"];
const CITY: [&str; 4] = ["Bath", "Köln", "Århus", "A Coruña"];

/// A file of people, each with a reference, an e-mail address and a phone number. It is read as a stream: nothing of it
/// is kept.
#[derive(Debug, Clone)]
pub struct Sheet {
    rows: u64,
    /// The next row to be written.
    next: u64,
    /// What is written and not yet read.
    rest: Vec<u8>,
    taken: usize,
}

impl Sheet {
    /// A file of so many rows under its header.
    #[must_use]
    pub fn new(rows: u64) -> Self {
        Self {
            rows,
            next: 0,
            rest: b"Customer ID,First name,Last name,E-mail,Phone,Street,City\r\n".to_vec(),
            taken: 0,
        }
    }

    /// How long it is, in bytes. It is written once to find out.
    #[must_use]
    pub fn size(&self) -> u64 {
        let rows: usize = (0..self.rows).map(|row| line(row).len()).sum();
        (self.rest.len() + rows) as u64
    }

    /// Rows that no customer can be made of.
    #[must_use]
    pub fn broken(&self) -> u64 {
        (0..self.rows).filter(|row| is_broken(*row)).count() as u64
    }

    /// Rows that say again what another row said.
    #[must_use]
    pub fn again(&self) -> u64 {
        (0..self.rows).filter(|row| is_again(*row)).count() as u64
    }

    /// The people that it brings.
    #[must_use]
    pub fn people(&self) -> u64 {
        self.rows - self.broken() - self.again()
    }

    /// The rows of those people: reference, name, e-mail address, phone number, street, city.
    pub fn persons(&self) -> impl Iterator<Item = [String; 6]> + use<> {
        (0..self.rows)
            .filter(|row| !is_broken(*row) && !is_again(*row))
            .map(|row| {
                let [reference, first, last, mail, phone, street, city] = values(row);
                [reference, format!("{first} {last}"), mail, phone, street, city]
            })
    }

    /// The line of the file in which a row begins, both counted as people do: the header is line 1, the first row is
    /// row 1.
    #[must_use]
    pub fn line_of(row: u64) -> u64 {
        let breaks = (0..row.saturating_sub(1)).filter(|row| is_break(*row)).count() as u64;
        row + 1 + breaks
    }
}

impl Read for Sheet {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.rest.len() && self.next < self.rows {
            self.rest = line(self.next).into_bytes();
            self.taken = 0;
            self.next += 1;
        }
        let count = self.rest.get(self.taken..).unwrap_or_default().read(target)?;
        self.taken += count;
        Ok(count)
    }
}

fn is_broken(row: u64) -> bool {
    row % BROKEN_EVERY == BROKEN_AT
}

fn is_again(row: u64) -> bool {
    row % AGAIN_EVERY == AGAIN_AT
}

fn is_break(row: u64) -> bool {
    row % BREAK_EVERY == BREAK_AT
}

fn line(row: u64) -> String {
    let said = if is_again(row) { row - 3 } else { row };
    let mut line = String::new();
    for (place, value) in values(said).iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        // Writing to a text cannot fail.
        let _ = if value.contains('\n') {
            write!(line, "{comma}\"{value}\"")
        } else {
            write!(line, "{comma}{value}")
        };
    }
    line.push_str(if is_broken(row) { ", NY\r\n" } else { "\r\n" });
    line
}

fn values(row: u64) -> [String; 7] {
    let pick = |from: &[&str]| from[usize::try_from(row).unwrap_or_default() % from.len()].to_owned();
    let street = if is_break(row) {
        format!("{row} High Street\nBack door")
    } else {
        format!("{row} High Street")
    };
    [
        format!("C-{row}"),
        pick(&FIRST),
        format!("{} {row}", pick(&LAST)),
        format!("person{row}@example.org"),
        format!("+49 30 {row:07}"),
        street,
        pick(&CITY),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_as_long_as_it_says_and_has_the_rows_it_counts() {
        let mut sheet = Sheet::new(200);
        let size = sheet.size();
        let mut text = String::new();
        let read = sheet.read_to_string(&mut text).expect("a text");
        assert_eq!(read as u64, size);
        assert_eq!((sheet.broken(), sheet.again(), sheet.people()), (2, 10, 188));
        assert_eq!(sheet.persons().count(), 188);
        // Row 7 is behind the line break of row 6.
        let lines: Vec<_> = text.lines().collect();
        let at = |row| lines[usize::try_from(Sheet::line_of(row)).expect("a line") - 1];
        assert!(at(6).starts_with("C-5,") && at(7).starts_with("C-6,") && at(200).starts_with("C-199,"));
        assert_eq!(at(8), at(5), "row 8 says row 5 again");
    }
}
