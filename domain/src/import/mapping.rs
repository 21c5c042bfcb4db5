//! Rows into customers: which column is which field, and what a row becomes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::{DayOrder, Mapper, Profile, Row, Unreadable};
use crate::{
    customer::{ContactKind, CustomerPatch, ExternalRef, Field, FieldValue},
    text,
};

/// The words that stand for nothing unless a mapping names others. An empty value always does.
pub const NOTHING: [&str; 3] = ["NULL", "N/A", "-"];

/// The longest name of a source.
const SOURCE_MAX: usize = 60;

/// Which of the two records of a row a value belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The company.
    Company,
    /// The person, who belongs to the company if the row has both.
    Person,
}

/// What becomes of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// It is not taken.
    #[default]
    Ignore,
    /// Our own id of the row's single record, in an export of ours.
    Id,
    /// The key by which the file's source knows the record.
    Reference(Whose),
    /// The person's given names. They stand before the last name where no column has the full one.
    FirstName,
    /// The person's family name.
    LastName,
    /// What the contact points of another column are called: one label a line, or one for all.
    Label {
        /// Which column's, counted from 0.
        column: u32,
    },
    /// The day since when the source has the record. It is the day on which a record that is made was added.
    Since(Whose),
    /// A note about a record that is made. Several columns are one note, a paragraph each.
    Note(Whose),
    /// A field. Several columns may fill one field, in their order.
    Field {
        /// Of which record.
        whose: Whose,
        /// The field. Kind says which of both the row's single record is.
        field: Field,
        /// For contact points: their label, such as “fax”; may be empty.
        #[serde(default)]
        label: String,
    },
}

impl Target {
    /// A field without a label.
    #[must_use]
    pub fn field(whose: Whose, field: Field) -> Self {
        Self::Field {
            whose,
            field,
            label: String::new(),
        }
    }

    /// The kind of contact point that the column lists, if it lists any.
    #[must_use]
    pub fn contact_kind(&self) -> Option<ContactKind> {
        match self {
            Self::Field { field, .. } => field.contact_kind(),
            _ => None,
        }
    }

    /// Whether the column names a record, or a part of it does.
    #[must_use]
    pub fn names(&self) -> bool {
        matches!(
            self,
            Self::FirstName
                | Self::LastName
                | Self::Field {
                    field: Field::Name,
                    ..
                }
        )
    }
}

/// A value that every record is given whose row has none for that field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constant {
    /// Of which record.
    pub whose: Whose,
    /// The field.
    pub field: Field,
    /// The value, as a form takes it.
    pub value: String,
}

/// How the rows of one file become customers. It can be saved: what a later version adds is read as not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mapping {
    /// The version of this shape; see [`Mapping::VERSION`].
    pub version: u32,
    /// Which program's export it is.
    pub profile: Profile,
    /// The names of the columns, for the sentences about them.
    pub headers: Vec<String>,
    /// What becomes of each column, in the same order.
    #[serde(deserialize_with = "known_targets")]
    pub targets: Vec<Target>,
    /// The words that stand for nothing, without regard to case.
    pub nothing: Vec<String>,
    /// In which order the numbers of its days stand.
    pub days: DayOrder,
    /// What records are given whose row has nothing for it.
    pub constants: Vec<Constant>,
    /// The tags that every record is given, beside those of its row.
    pub tags: Vec<String>,
    /// The name of the system that the file comes from; see [`source_of`].
    pub source: String,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            profile: Profile::Plain,
            headers: Vec::new(),
            targets: Vec::new(),
            nothing: NOTHING.map(str::to_owned).to_vec(),
            days: DayOrder::default(),
            constants: Vec::new(),
            tags: Vec::new(),
            source: source_of(""),
        }
    }
}

/// A target that this version does not know is a column that is not taken.
fn known_targets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Target>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Maybe {
        Known(Target),
        Unknown(serde::de::IgnoredAny),
    }
    let targets = Vec::<Maybe>::deserialize(deserializer)?;
    Ok(targets
        .into_iter()
        .map(|target| match target {
            Maybe::Known(target) => target,
            Maybe::Unknown(_) => Target::Ignore,
        })
        .collect())
}

/// A record to make: its checked fields, kind and stage included, and what its contact points are called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The fields; what the row does not have is not in it.
    pub fields: CustomerPatch,
    /// Labels by the contact point's field and value; those without one are not in it.
    pub labels: BTreeMap<(Field, String), String>,
    /// By what the source knows the record. It is written with a record that is made.
    pub reference: Option<ExternalRef>,
    /// The fields that the row itself does not have: constants, the usual stage.
    pub supplied: BTreeSet<Field>,
    /// The tags that every row is given; they are among the fields, too.
    pub tags: Vec<String>,
    /// Since when the source has it. Only a record that is made takes it.
    pub since: Option<NaiveDate>,
    /// What the source has noted about it. Only a record that is made takes it.
    pub note: Option<String>,
}

impl Draft {
    /// The full name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.fields.0.get(&Field::Name) {
            Some(FieldValue::Text(name)) => name,
            _ => "",
        }
    }

    /// The label of a contact point; empty when it has none.
    #[must_use]
    pub fn label(&self, field: Field, value: &str) -> &str {
        if self.labels.is_empty() {
            return "";
        }
        self.labels
            .get(&(field, value.to_owned()))
            .map_or("", String::as_str)
    }
}

/// What a row becomes: a company, a person, or both, linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The line of the row.
    pub line: u64,
    /// Our own id of its single record, in an export of ours.
    pub id: Option<Uuid>,
    /// The company. A person whose company an export names by its id has that in [`Field::Company`] instead.
    pub company: Option<Draft>,
    /// The person.
    pub person: Option<Draft>,
    /// The row's values, for a list of what needs a person.
    pub fields: Vec<String>,
}

/// The source that a file's name stands for: its stem, in lower case, without folders. Two files of one name are one
/// source, so that an export which is taken again finds its rows.
#[must_use]
pub fn source_of(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let clean: String = stem
        .chars()
        .filter(|c| !c.is_control())
        .take(SOURCE_MAX)
        .collect();
    let source = text::line(&clean).unwrap_or_default().to_lowercase();
    if source.is_empty() {
        "file".to_owned()
    } else {
        source
    }
}

impl Mapping {
    /// The version of the shape in which mappings are saved.
    pub const VERSION: u32 = 1;

    /// Refuses a mapping that can make no record, or whose own values break a rule.
    ///
    /// # Errors
    /// A sentence; for a name that is missing, it names the columns there are.
    pub fn check(&self) -> Result<(), String> {
        if self.version > Self::VERSION {
            return Err("This mapping was saved by a newer version of Rapport.".to_owned());
        }
        if self.targets.len() != self.headers.len() {
            return Err("This mapping does not fit its own columns.".to_owned());
        }
        for (header, target) in self.headers.iter().zip(&self.targets) {
            let sound = match target {
                Target::Label { column } => usize::try_from(*column)
                    .ok()
                    .and_then(|column| self.targets.get(column))
                    .is_some_and(|target| target.contact_kind().is_some()),
                Target::Field { field, whose, .. } => match field {
                    Field::Owner => false,
                    Field::Company | Field::JobTitle => *whose == Whose::Person,
                    _ => true,
                },
                _ => true,
            };
            if !sound {
                return Err(format!("“{header}” cannot be taken as it is mapped."));
            }
        }
        for constant in &self.constants {
            constant.parse()?;
        }
        Field::Tags
            .parse(&self.tags.join(","))
            .map_err(|sentence| format!("“Tags”: {sentence}"))?;
        let labels = self.targets.iter().filter_map(|target| match target {
            Target::Field { label, .. } => Some(label),
            _ => None,
        });
        for word in self.nothing.iter().chain(labels) {
            text::line(word).map_err(|sentence| format!("“{}”: {sentence}", word.escape_debug()))?;
        }
        if self.source.is_empty() || text::line(&self.source).as_ref() != Ok(&self.source) {
            return Err("Please name the source of the file.".to_owned());
        }
        // A person without a name is called by their e-mail address.
        let reached = |target: &Target| {
            matches!(
                target,
                Target::Field {
                    whose: Whose::Person,
                    field: Field::Emails,
                    ..
                }
            )
        };
        if self
            .targets
            .iter()
            .any(|target| target.names() || reached(target))
        {
            return Ok(());
        }
        let columns = self
            .headers
            .iter()
            .take(20)
            .map(|name| name.chars().take(40).collect::<String>());
        Err(format!(
            "No column names a company or a person. The columns are: {}.",
            columns.collect::<Vec<_>>().join(", ")
        ))
    }

    /// Whether some column becomes notes.
    #[must_use]
    pub fn has_notes(&self) -> bool {
        self.targets
            .iter()
            .any(|target| matches!(target, Target::Note(_)))
    }

    /// The names of the columns that are not taken.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        let pairs = self
            .headers
            .iter()
            .zip(&self.targets)
            .filter(|(_, target)| **target == Target::Ignore);
        pairs.map(|(name, _)| name.clone()).collect()
    }

    /// The mapping for a file whose columns stand in another order or are more; nothing when one that it takes is missing.
    #[must_use]
    pub fn for_headers(&self, headers: &[String]) -> Option<Self> {
        let place = |name: &String| headers.iter().position(|header| header == name);
        let mut targets = vec![Target::Ignore; headers.len()];
        for (name, target) in self.headers.iter().zip(&self.targets) {
            if *target == Target::Ignore {
                continue;
            }
            let target = match target {
                Target::Label { column } => {
                    let of = self.headers.get(usize::try_from(*column).ok()?)?;
                    Target::Label {
                        column: u32::try_from(place(of)?).ok()?,
                    }
                }
                other => other.clone(),
            };
            *targets.get_mut(place(name)?)? = target;
        }
        Some(Self {
            headers: headers.to_vec(),
            targets,
            ..self.clone()
        })
    }

    /// What maps rows by this mapping, made once for all rows.
    #[must_use]
    pub fn mapper(&self) -> Mapper {
        Mapper::new(self.clone())
    }

    /// Turns a single row into what is to be made of it; for many, see [`Mapping::mapper`].
    ///
    /// # Errors
    /// As [`Mapper::map`].
    pub fn map(&self, row: Row) -> Result<Mapped, Unreadable> {
        self.mapper().map(row)
    }
}

impl Constant {
    /// The value, checked.
    ///
    /// # Errors
    /// A sentence: the value breaks the field's rule, or the field cannot be the same for every row.
    pub fn parse(&self) -> Result<FieldValue, String> {
        let name = self.field.label();
        if matches!(self.field, Field::Name | Field::Kind | Field::Owner)
            || (self.whose == Whose::Company && matches!(self.field, Field::Company | Field::JobTitle))
        {
            return Err(format!("“{name}” cannot be the same for every row."));
        }
        let value = match self.field {
            Field::Stage => self.value.trim().to_lowercase(),
            _ => self.value.clone(),
        };
        self.field
            .parse(&value)
            .map_err(|sentence| format!("“{name}”: {sentence}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strings(line: &str) -> Vec<String> {
        line.split(',').map(str::to_owned).collect()
    }

    fn map(headers: &str, row: &[&str]) -> Result<Mapped, Unreadable> {
        let fields = row.iter().map(|value| (*value).to_owned()).collect();
        Mapping::guess(&strings(headers), &[], "test").map(Row { line: 2, fields })
    }

    fn text(draft: &Draft, field: Field) -> Option<&str> {
        match draft.fields.0.get(&field) {
            Some(FieldValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn reason(headers: &str, row: &[&str]) -> String {
        map(headers, row).unwrap_err().reason
    }

    #[test]
    fn a_plain_export_is_recognised_however_its_columns_are_spelled() {
        let northwind = Mapping::guess(
            &strings(
                "customerID,companyName,contactName,contactTitle,address,city,region,postalCode,country,phone,fax",
            ),
            &[],
            "x",
        );
        let spelled = Mapping::guess(
            &strings(
                "Customer-ID,COMPANY NAME,contact_name,Contact Title,Address, city ,Region,Postal Code,Country,Phone,FAX",
            ),
            &[],
            "x",
        );
        assert_eq!(spelled.targets, northwind.targets);
        assert!(northwind.ignored().is_empty());
        assert_eq!(northwind.check(), Ok(()));
    }

    #[test]
    fn a_row_becomes_a_company_and_its_person() {
        let mapped = map(
            "id,company,contact name,job title,address,phone,fax,email,shoe size",
            &[
                "7",
                "Bon app'",
                "Laurence Lebihan",
                "Owner",
                "12, rue des Bouchers",
                "91.24.45.40",
                "91.24.45.41",
                "l@bon.fr",
                "38",
            ],
        )
        .unwrap();
        let (company, person) = (mapped.company.unwrap(), mapped.person.unwrap());
        let reference = |key: &str| {
            Some(ExternalRef {
                source: "test".to_owned(),
                key: key.to_owned(),
            })
        };
        assert_eq!(
            (&company.reference, &person.reference),
            (&reference("7"), &reference("7/contact/laurence lebihan"))
        );
        assert_eq!(company.name(), "Bon app'");
        assert_eq!(text(&company, Field::Kind), Some("company"));
        assert_eq!(text(&company, Field::Stage), Some("customer"));
        assert_eq!(
            company.fields.0[&Field::Phones],
            FieldValue::List(vec!["91.24.45.40".to_owned(), "91.24.45.41".to_owned()])
        );
        assert_eq!(company.label(Field::Phones, "91.24.45.41"), "fax");
        assert_eq!(company.label(Field::Phones, "91.24.45.40"), "");
        assert_eq!(
            (person.name(), text(&person, Field::JobTitle)),
            ("Laurence Lebihan", Some("Owner"))
        );
        assert_eq!(text(&person, Field::Kind), Some("person"));
        assert!(person.fields.0.contains_key(&Field::Emails));
        assert!(!person.fields.0.contains_key(&Field::Street));
    }

    #[test]
    fn words_for_nothing_leave_no_field() {
        for word in ["NULL", "null", " N/A ", "-", "", "  "] {
            let mapped = map("company,city,contact", &["A", word, word]).unwrap();
            assert!(
                !mapped.company.unwrap().fields.0.contains_key(&Field::City),
                "{word:?}"
            );
            assert_eq!(mapped.person, None, "{word:?}");
        }
        let mut mapping = Mapping::guess(&strings("company,city"), &[], "x");
        mapping.nothing = vec!["?".to_owned()];
        let mapped = mapping
            .map(Row {
                line: 2,
                fields: strings("NULL,?"),
            })
            .unwrap();
        assert_eq!(mapped.company.unwrap().name(), "NULL");
    }

    #[test]
    fn a_number_that_is_phone_and_fax_is_kept_once_as_a_phone() {
        let company = map("company,phone,fax", &["A", "90-224 8858", "90-224 8858"])
            .unwrap()
            .company
            .unwrap();
        assert_eq!(
            company.fields.0[&Field::Phones],
            FieldValue::List(vec!["90-224 8858".to_owned()])
        );
        assert!(company.labels.is_empty());
        let spaced = map("company,phone,fax", &["A", "90-224 8858", "902248858"])
            .unwrap()
            .company
            .unwrap();
        assert_eq!(
            spaced.fields.0[&Field::Phones],
            FieldValue::List(vec!["90-224 8858".to_owned()])
        );
        assert!(spaced.labels.is_empty());
    }

    #[test]
    fn several_columns_fill_one_field_in_their_order() {
        let mapped = map(
            "First name,Last name,Address 1,Address 2,E-mail,Mobile",
            &[
                "Ada",
                "Lovelace",
                "12 St James's Sq\nLondon,\r\n",
                "2nd floor",
                "a@b.uk\nc@d.uk",
                "07 123",
            ],
        )
        .unwrap();
        let person = mapped.person.unwrap();
        assert_eq!((person.name(), mapped.company), ("Ada Lovelace", None));
        assert_eq!(
            text(&person, Field::Street),
            Some("12 St James's Sq, London, 2nd floor")
        );
        assert_eq!(
            person.fields.0[&Field::Emails],
            FieldValue::List(strings("a@b.uk,c@d.uk"))
        );
        assert_eq!(person.label(Field::Phones, "07 123"), "mobile");
    }

    #[test]
    fn a_reason_names_every_column_that_is_wrong() {
        assert_eq!(
            reason("company,phone,website", &["A", "none", "javascript:x"]),
            "“phone”: “none” is not a phone number. “website”: “javascript:x” is not a web address; it begins with https:// or http://."
        );
        assert!(reason("company", &["a\0b"]).starts_with("“company”: "));
        assert!(reason("company", &[&"x".repeat(1 << 20)]).contains("at most 200 characters"));
    }

    #[test]
    fn what_a_record_needs_must_be_there() {
        assert_eq!(
            reason("id,company", &["NULL", "A"]),
            "“id” has no value: the row could not be known again."
        );
        assert_eq!(
            reason("company,city", &["", "Bern"]),
            "“company” has no value, but “city” has."
        );
        assert_eq!(
            reason("company,position", &["A", "Owner"]),
            "“position” has a value, but no column has the name it belongs to."
        );
        assert_eq!(
            reason("company,shoes", &["-", "38"]),
            "The row names neither a company nor a person."
        );
    }

    #[test]
    fn a_mapping_without_a_name_is_refused_before_any_row() {
        let mapping = Mapping::guess(&strings("colour,size"), &[], "x");
        assert_eq!(
            mapping.check(),
            Err("No column names a company or a person. The columns are: colour, size.".to_owned())
        );
        assert_eq!(mapping.ignored(), ["colour", "size"]);
    }

    #[test]
    fn formulas_and_html_are_text_like_any_other() {
        let company = map("company,city", &["=cmd()", "<b>"]).unwrap().company.unwrap();
        assert_eq!(
            (company.name(), text(&company, Field::City)),
            ("=cmd()", Some("<b>"))
        );
    }

    #[test]
    fn a_source_is_the_stem_of_the_file_however_hostile_its_name() {
        for (file, source) in [
            ("Northwind-Customers.csv", "northwind-customers"),
            ("../../etc/passwd", "passwd"),
            ("C:\\data\\Kunden.2026.csv", "kunden.2026"),
            ("", "file"),
            (".csv", "file"),
            ("a\0\nb.csv", "ab"),
        ] {
            assert_eq!(source_of(file), source, "{file:?}");
        }
        assert_eq!(source_of(&"é".repeat(10_000)).chars().count(), SOURCE_MAX);
    }

    proptest! {
        #[test]
        fn any_row_is_mapped_or_refused(
            headers in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(vec![
                        "id", "company", "contact", "name", "jobtitle", "phone", "fax", "email", "tags", "stage", "address",
                    ]).prop_map(str::to_owned),
                    r"\PC{0,8}",
                ],
                0..8,
            ),
            fields in prop::collection::vec(any::<String>(), 0..10),
        ) {
            let mapping = Mapping::guess(&headers, &[], "x");
            match mapping.map(Row { line: 7, fields }) {
                Ok(mapped) => {
                    prop_assert!(mapped.company.is_some() || mapped.person.is_some());
                    for draft in [mapped.company, mapped.person].into_iter().flatten() {
                        prop_assert!(!draft.name().is_empty());
                        prop_assert!(draft.fields.0.contains_key(&Field::Kind));
                        prop_assert!(draft.fields.0.contains_key(&Field::Stage));
                    }
                }
                Err(bad) => prop_assert!(bad.line == 7 && bad.reason.ends_with('.')),
            }
        }
    }
}
