//! Customers as CSV (RFC 4180) that a spreadsheet opens without running anything, and that
//! [`import`](crate::import) reads back to exactly what was written.

use uuid::Uuid;

use crate::{
    customer::{ContactKind, CustomerKind, ExternalRef, Stage},
    id::CustomerId,
};

/// The byte order mark, by which spreadsheets know UTF-8.
pub const BOM: &str = "\u{feff}";

/// The columns, in their order. The import knows an export by the first one.
pub const HEADERS: [&str; 23] = [
    "Rapport ID",
    "Kind",
    "Name",
    "Job title",
    "Company Rapport ID",
    "Company",
    "Stage",
    "Owner",
    "E-mails",
    "E-mail labels",
    "Phones",
    "Phone labels",
    "Links",
    "Link labels",
    "Tags",
    "Street",
    "Postal code",
    "City",
    "Region",
    "Country",
    "Created",
    "Updated",
    "References",
];

/// What an export says of one customer. Empty is what it has not, or what the actor may not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRow {
    /// Its id.
    pub id: CustomerId,
    /// Person or company.
    pub kind: CustomerKind,
    /// Full name.
    pub name: String,
    /// What the person does there.
    pub job_title: String,
    /// The company the person belongs to.
    pub company: Option<(CustomerId, String)>,
    /// How far the relation has come.
    pub stage: Stage,
    /// The e-mail address of whoever looks after it.
    pub owner: String,
    /// E-mails, phones and links in their order: value and label.
    pub contacts: Vec<(ContactKind, String, String)>,
    /// Words to group by.
    pub tags: Vec<String>,
    /// Street and number.
    pub street: String,
    /// Postal code.
    pub postal_code: String,
    /// City.
    pub city: String,
    /// Region, state, province.
    pub region: String,
    /// Country.
    pub country: String,
    /// When it was made, as RFC 3339 has it.
    pub created_at: String,
    /// When it was last changed, likewise.
    pub updated_at: String,
    /// Names in other systems.
    pub references: Vec<ExternalRef>,
}

/// The first line, with a byte order mark before it.
#[must_use]
pub fn header() -> String {
    let mut line = BOM.to_owned();
    push_line(&mut line, HEADERS);
    line
}

/// The line of one customer, its end included.
#[must_use]
pub fn line(row: &ExportRow) -> String {
    let id = |id: Uuid| id.hyphenated().to_string();
    let (company_id, company) = match &row.company {
        Some((company, name)) => (id(company.0), name.as_str()),
        None => (String::new(), ""),
    };
    let values = |kind| contacts(row, kind, |(_, value, _)| value);
    let labels = |kind| {
        let labels = contacts(row, kind, |(_, _, label)| label);
        // Lines without anything in them say nothing.
        if labels.bytes().all(|byte| byte == b'\n') {
            String::new()
        } else {
            labels
        }
    };
    let references: Vec<_> = row
        .references
        .iter()
        .map(|reference| format!("{}: {}", reference.source, reference.key))
        .collect();
    let mut line = String::with_capacity(256);
    push_line(
        &mut line,
        [
            id(row.id.0).as_str(),
            row.kind.label(),
            &row.name,
            &row.job_title,
            &company_id,
            company,
            row.stage.label(),
            &row.owner,
            &values(ContactKind::Email),
            &labels(ContactKind::Email),
            &values(ContactKind::Phone),
            &labels(ContactKind::Phone),
            &values(ContactKind::Link),
            &labels(ContactKind::Link),
            &row.tags.join(", "),
            &row.street,
            &row.postal_code,
            &row.city,
            &row.region,
            &row.country,
            &row.created_at,
            &row.updated_at,
            &references.join("\n"),
        ],
    );
    line
}

/// One part of the contact points of a kind, one a line.
fn contacts(
    row: &ExportRow,
    kind: ContactKind,
    part: fn(&(ContactKind, String, String)) -> &String,
) -> String {
    let of = row.contacts.iter().filter(|(of, ..)| *of == kind);
    of.map(|contact| part(contact).as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Appends a line of values, quoted where they need it and escaped where a spreadsheet would compute them.
pub fn push_line<'a>(target: &mut String, values: impl IntoIterator<Item = &'a str>) {
    for (place, value) in values.into_iter().enumerate() {
        if place > 0 {
            target.push(',');
        }
        let mark = if computes(value) { "'" } else { "" };
        // A semicolon or a tab needs no quotes by the RFC, but some programs split there.
        let quotes = value.contains([',', ';', '\t', '"', '\n', '\r'])
            || value.starts_with(' ')
            || value.ends_with(' ');
        if quotes {
            target.push('"');
            target.push_str(mark);
            for (place, part) in value.split('"').enumerate() {
                target.push_str(if place > 0 { "\"\"" } else { "" });
                target.push_str(part);
            }
            target.push('"');
        } else {
            target.push_str(mark);
            target.push_str(value);
        }
    }
    target.push_str("\r\n");
}

/// Whether a spreadsheet would take the value for a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>), or the import for one that was escaped.
fn computes(value: &str) -> bool {
    value.trim_start_matches('\'').starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ])
}

/// A value as it was before its formula was escaped.
#[must_use]
pub fn unescape(value: &str) -> &str {
    match value.strip_prefix('\'') {
        Some(rest) if computes(rest) => rest,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_in_a_line_is_computed() {
        let mut line = String::new();
        push_line(
            &mut line,
            [
                "=cmd()", "+1", "-1", "@a", "\ta", "\ra", "'=1", "a=1", "it's", "'quoted'", "", "＝1",
            ],
        );
        assert_eq!(
            line,
            "'=cmd(),'+1,'-1,'@a,\"'\ta\",\"'\ra\",''=1,a=1,it's,'quoted',,'＝1\r\n"
        );
    }

    #[test]
    fn what_separates_is_quoted() {
        let mut line = String::new();
        push_line(&mut line, ["a,b", "say \"x\"", "two\nlines", "a;b", " a"]);
        assert_eq!(
            line,
            "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\"a;b\",\" a\"\r\n"
        );
    }

    proptest! {
        #[test]
        fn every_value_is_read_back(values in prop::collection::vec(
            prop_oneof![any::<String>(), "['=+@\t\r\n\", -]{0,6}[a-z]?"], 1..6,
        )) {
            let mut line = String::new();
            push_line(&mut line, values.iter().map(String::as_str));
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            if values.iter().any(|value| !value.is_empty()) || values.len() > 1 {
                let record = reader.records().next().unwrap().unwrap();
                for (read, value) in record.iter().zip(&values) {
                    prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r']));
                    prop_assert_eq!(unescape(read), value);
                }
            }
        }
    }
}
