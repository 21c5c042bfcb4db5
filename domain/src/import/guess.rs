//! Which column is what, told from the names of the columns and from their values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    DayOrder, Mapping, Row, Target, Whose,
    words::{self, plain},
};
use crate::customer::{Field, looks_like_email};

/// The program that a file was exported from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Google Contacts.
    Google,
    /// Outlook.
    Outlook,
    /// HubSpot.
    #[serde(rename = "hubspot")]
    HubSpot,
    /// Pipedrive.
    Pipedrive,
    /// Salesforce.
    Salesforce,
    /// An export of ours.
    Rapport,
    /// Any other.
    #[default]
    #[serde(other)]
    Plain,
}

impl Profile {
    /// The name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Google => "Google Contacts",
            Self::Outlook => "Outlook",
            Self::HubSpot => "HubSpot",
            Self::Pipedrive => "Pipedrive",
            Self::Salesforce => "Salesforce",
            Self::Rapport => "Rapport",
            Self::Plain => "Plain table",
        }
    }
}

impl Mapping {
    /// The program that the file was exported from, told from its columns.
    #[must_use]
    pub fn profile(headers: &[String]) -> Profile {
        profile(&headers.iter().map(|header| plain(header)).collect::<Vec<_>>())
    }

    /// Guesses from the names of the columns and from the values of some rows. Case, blanks and signs make no
    /// difference. What is not recognised is ignored.
    #[must_use]
    pub fn guess(headers: &[String], sample: &[Row], source: &str) -> Self {
        let names: Vec<_> = headers.iter().map(|header| plain(header)).collect();
        let profile = profile(&names);
        let mapping = Self {
            profile,
            headers: headers.to_vec(),
            source: source.to_owned(),
            ..Self::default()
        };
        if profile == Profile::Rapport {
            // Names such as “-” stand for themselves there, and the ids are the same whatever the file is called.
            return Self {
                targets: ours(&names),
                nothing: Vec::new(),
                source: "rapport".to_owned(),
                ..mapping
            };
        }
        let columns = names
            .iter()
            .enumerate()
            .map(|(place, name)| Column::of(name, Values::of(place, sample)))
            .collect();
        let targets = Guess { profile, columns }.targets(sample);
        Self {
            days: days(&targets, sample),
            targets,
            ..mapping
        }
    }
}

/// Whether a column's name says that it holds notes.
pub(super) fn is_note(header: &str) -> bool {
    base(&plain(header)) == Some(Base::Note)
}

/// The order in which the days of a file are written.
fn days(targets: &[Target], sample: &[Row]) -> DayOrder {
    let columns = targets.iter().enumerate();
    let mut since = columns.filter_map(|(place, target)| matches!(target, Target::Since(_)).then_some(place));
    since
        .find_map(|place| DayOrder::of(|| filled(place, sample)))
        .unwrap_or_default()
}

/// The values of a column that are not nothing, of as many rows as are looked at.
fn filled(place: usize, sample: &[Row]) -> impl Iterator<Item = &str> {
    let rows = sample.iter().take(SAMPLE_MAX);
    rows.filter_map(move |row| row.fields.get(place))
        .map(|value| value.trim())
        .filter(|value| !value.is_empty() && !super::NOTHING.contains(value))
}

fn profile(names: &[String]) -> Profile {
    let has = |name: &str| names.iter().any(|other| other == name);
    let any = |some: &[&str]| some.iter().any(|name| has(name));
    if has("rapportid") {
        Profile::Rapport
    } else if any(&[
        "email1value",
        "phone1value",
        "groupmembership",
        "organization1name",
    ]) {
        Profile::Google
    } else if any(&["emailaddress", "emailadresse"])
        && any(&[
            "email2address",
            "email2adresse",
            "businessphone",
            "businessstreet",
            "homestreet",
            "telefongeschaeftlich",
            "strassegeschaeftlich",
            "telefonprivat",
            "weiterevornamen",
        ])
    {
        Profile::Outlook
    } else if names
        .iter()
        .filter(|name| {
            ["person", "organization", "organisation", "deal"]
                .iter()
                .any(|side| name.starts_with(side) && name.len() > side.len())
        })
        .count()
        >= 2
        && any(&["personname", "organizationname", "organisationname"])
        || (any(&["opendeals", "offenedeals"]) && any(&["closeddeals", "geschlossenedeals", "wondeals"]))
    {
        Profile::Pipedrive
    } else if any(&["recordid", "recordidcontact", "recordidcompany", "datensatzid"])
        && names.iter().any(|name| {
            matches!(
                name.as_str(),
                "contactowner"
                    | "companyowner"
                    | "lifecyclestage"
                    | "leadstatus"
                    | "companydomainname"
                    | "marketingcontactstatus"
                    | "associatedcompany"
                    | "kontaktzustaendiger"
            ) || name.starts_with("createdate")
        })
    {
        Profile::HubSpot
    } else if any(&[
        "mailingstreet",
        "billingstreet",
        "mailingzippostalcode",
        "masterrecordid",
        "systemmodstamp",
    ]) || (any(&["accountid", "id"]) && any(&["ownerid", "createdbyid", "isdeleted", "leadsource"]))
    {
        Profile::Salesforce
    } else {
        Profile::Plain
    }
}

/// The columns of an export of ours. Its rows are single records: the kind says which, the person's place is for both.
fn ours(names: &[String]) -> Vec<Target> {
    let place = |of: &str| {
        names
            .iter()
            .position(|name| name == of)
            .and_then(|place| u32::try_from(place).ok())
    };
    let label = |of: &str| place(of).map_or(Target::Ignore, |column| Target::Label { column });
    let target = |name: &String| {
        let field = match name.as_str() {
            "rapportid" => return Target::Id,
            "company" => return Target::field(Whose::Company, Field::Name),
            "emaillabels" => return label("emails"),
            "phonelabels" => return label("phones"),
            "linklabels" => return label("links"),
            "kind" => Field::Kind,
            "name" => Field::Name,
            "jobtitle" => Field::JobTitle,
            "companyrapportid" => Field::Company,
            "stage" => Field::Stage,
            "emails" => Field::Emails,
            "phones" => Field::Phones,
            "links" => Field::Links,
            "tags" => Field::Tags,
            "street" => Field::Street,
            "postalcode" => Field::PostalCode,
            "city" => Field::City,
            "region" => Field::Region,
            "country" => Field::Country,
            "created" => return Target::Since(Whose::Person),
            _ => return Target::Ignore,
        };
        Target::field(Whose::Person, field)
    };
    names.iter().map(target).collect()
}

/// What a column holds by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Company,
    /// A name of a company or of a person.
    Name,
    FullName,
    FirstName,
    LastName,
    JobTitle,
    /// “Title”: what somebody does, or how they are addressed.
    Title,
    Street,
    City,
    Region,
    PostalCode,
    Country,
    Phone,
    Fax,
    Mobile,
    Email,
    Link,
    Tags,
    Stage,
    Kind,
    /// “Status”, “Type”: a stage or a kind if all its values are.
    Word,
    /// The day on which the record was made.
    Since,
    Note,
    CompanyKey,
    PersonKey,
    Key,
}

impl Base {
    fn is_address(self) -> bool {
        matches!(
            self,
            Self::Street | Self::City | Self::Region | Self::PostalCode | Self::Country
        )
    }
}

/// Which of several addresses or numbers a column belongs to. In the order in which an address is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Work,
    Any,
    Main,
    Mailing,
    Billing,
    Shipping,
    Home,
    Other,
    Mobile,
}

impl Place {
    fn label(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Main => "main",
            Self::Home => "home",
            Self::Other => "other",
            Self::Mobile => "mobile",
            Self::Any | Self::Mailing | Self::Billing | Self::Shipping => "",
        }
    }
}

/// A column as its name and its values tell it.
#[derive(Debug, Clone)]
struct Column {
    base: Option<Base>,
    side: Option<Whose>,
    place: Place,
    /// The number inside the name: “Address 2 - City”.
    group: u32,
    /// It does not hold the value but what that is called.
    labels: bool,
    name: String,
    values: Values,
}

impl Column {
    fn of(name: &str, values: Values) -> Self {
        let mut column = Self {
            base: None,
            side: None,
            place: Place::Any,
            group: 0,
            labels: false,
            name: name.to_owned(),
            values,
        };
        if column.find(name, 3) {
            return column;
        }
        let Some(at) = name.find(|c: char| c.is_ascii_digit()) else {
            column.find_role(name);
            return column;
        };
        let (before, rest) = name.split_at(at);
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = rest.strip_suffix(after).and_then(|digits| digits.parse().ok());
        // “Street 2” is a second line, “Address 2 - Street” another address.
        column.group = if after.is_empty() { 0 } else { number.unwrap_or(0) };
        let stem = format!("{before}{after}");
        if !column.find(&stem, 3) {
            column.find_role(&stem);
        }
        column
    }

    /// Looks for what is left when “value” or “label” is taken off its end.
    fn find_role(&mut self, name: &str) {
        for (end, labels) in [
            ("value", false),
            ("wert", false),
            ("label", true),
            ("type", true),
            ("ofaddress", false),
        ] {
            if let Some(stem) = name.strip_suffix(end)
                && self.find(stem, 3)
            {
                self.labels = labels;
                return;
            }
        }
    }

    /// Looks a name up, then what is left of it when words before and behind are taken off.
    fn find(&mut self, name: &str, depth: u8) -> bool {
        if let Some(base) = base(name) {
            self.base = Some(base);
            return true;
        }
        if depth == 0 {
            return false;
        }
        for (word, side) in SIDES {
            if let Some(rest) = name.strip_prefix(word)
                && self.find(rest, depth - 1)
            {
                // “Address type” is no type of the customer.
                if word == "address" && !self.base.is_some_and(Base::is_address) {
                    self.base = None;
                    continue;
                }
                self.side = side.or(self.side);
                return true;
            }
        }
        for (word, place) in PLACES {
            let rest = name.strip_prefix(word).or_else(|| name.strip_suffix(word));
            if let Some(rest) = rest
                && self.find(rest, depth - 1)
            {
                if self.place == Place::Any {
                    self.place = place;
                }
                return true;
            }
        }
        false
    }
}

/// What stands before a name and says whose it is.
const SIDES: [(&str, Option<Whose>); 19] = [
    ("person", Some(Whose::Person)),
    ("contact", Some(Whose::Person)),
    ("kontakt", Some(Whose::Person)),
    ("ansprechpartner", Some(Whose::Person)),
    ("company", Some(Whose::Company)),
    ("organization", Some(Whose::Company)),
    ("organisations", Some(Whose::Company)),
    ("organisation", Some(Whose::Company)),
    ("account", Some(Whose::Company)),
    ("firmen", Some(Whose::Company)),
    ("firma", Some(Whose::Company)),
    ("unternehmens", Some(Whose::Company)),
    ("customer", None),
    ("client", None),
    ("kunden", None),
    ("lead", None),
    ("associated", None),
    ("primary", None),
    ("address", None),
];

/// What stands before or behind a name and says which of several it is.
const PLACES: [(&str, Place); 24] = [
    ("business", Place::Work),
    ("work", Place::Work),
    ("office", Place::Work),
    ("geschaeftlich", Place::Work),
    ("dienstlich", Place::Work),
    ("buero", Place::Work),
    ("main", Place::Main),
    ("zentrale", Place::Main),
    ("mailing", Place::Mailing),
    ("postal", Place::Mailing),
    ("billing", Place::Billing),
    ("rechnungs", Place::Billing),
    ("shipping", Place::Shipping),
    ("delivery", Place::Shipping),
    ("liefer", Place::Shipping),
    ("home", Place::Home),
    ("personal", Place::Home),
    ("private", Place::Home),
    ("privat", Place::Home),
    ("other", Place::Other),
    ("additional", Place::Other),
    ("weitere", Place::Other),
    ("mobile", Place::Mobile),
    ("mobil", Place::Mobile),
];

/// The names that say by themselves what a column holds.
fn base(name: &str) -> Option<Base> {
    Some(match name {
        "company"
        | "companyname"
        | "organisation"
        | "organization"
        | "organisationname"
        | "organizationname"
        | "account"
        | "accountname"
        | "business"
        | "businessname"
        | "firm"
        | "firma"
        | "firmenname"
        | "unternehmen"
        | "unternehmensname"
        | "nameofcompany"
        | "companyororganization"
        | "employer"
        | "arbeitgeber"
        | "betrieb" => Base::Company,
        "name" | "customer" | "customername" | "client" | "clientname" | "kunde" | "kundenname"
        | "displayname" => Base::Name,
        "contactname"
        | "contact"
        | "contactperson"
        | "fullname"
        | "personname"
        | "kontakt"
        | "kontaktname"
        | "kontaktperson"
        | "ansprechpartner"
        | "ansprechpartnerin"
        | "ansprechperson"
        | "vorundnachname"
        | "vollstaendigername"
        | "namedesansprechpartners" => Base::FullName,
        "firstname" | "givenname" | "forename" | "middlename" | "additionalname" | "vorname" | "vornamen"
        | "weiterevornamen" | "zweitername" => Base::FirstName,
        "lastname" | "surname" | "familyname" | "nachname" | "familienname" | "zuname" | "suffix"
        | "namesuffix" => Base::LastName,
        "contacttitle" | "jobtitle" | "position" | "organizationtitle" | "role" | "function" | "funktion"
        | "rolle" | "berufsbezeichnung" | "stellenbezeichnung" | "jobbezeichnung" | "job" | "beruf" => {
            Base::JobTitle
        }
        "title" => Base::Title,
        "address"
        | "street"
        | "streetaddress"
        | "addressline"
        | "strasse"
        | "strassehausnummer"
        | "strassenr"
        | "strasseundhausnummer"
        | "strasseundnr"
        | "adresse"
        | "anschrift"
        | "adresszeile"
        | "adresszusatz"
        | "hausnummer"
        | "hausnr"
        | "streetroadname"
        | "housenumber" => Base::Street,
        "city" | "town" | "citytown" | "ort" | "stadt" | "wohnort" | "citytownvillagelocality" => Base::City,
        "region" | "state" | "province" | "county" | "stateregion" | "stateprovince" | "statecounty"
        | "bundesland" | "kanton" | "bundeslandkanton" => Base::Region,
        "postalcode" | "postcode" | "zip" | "zipcode" | "zippostalcode" | "plz" | "postleitzahl" => {
            Base::PostalCode
        }
        "country" | "countryregion" | "land" | "landregion" | "staat" | "countryname" => Base::Country,
        "phone" | "telephone" | "tel" | "phonenumber" | "telephonenumber" | "phones" | "telefon"
        | "telefonnummer" | "telefonnr" | "telnr" | "rufnummer" | "festnetz" | "festnetznummer" => {
            Base::Phone
        }
        "fax" | "faxnumber" | "telefax" | "faxnummer" | "faxnr" => Base::Fax,
        "mobile" | "mobilephone" | "mobilenumber" | "mobilephonenumber" | "cell" | "cellphone"
        | "cellphonenumber" | "handy" | "handynummer" | "handynr" | "mobil" | "mobilnummer"
        | "mobiltelefon" | "mobilnr" => Base::Mobile,
        "email" | "emailaddress" | "mail" | "mailaddress" | "emails" | "emailaddresses" | "emailadresse"
        | "emailadressen" | "mailadresse" => Base::Email,
        "website" | "web" | "webpage" | "homepage" | "url" | "websiteurl" | "webseite" | "internet"
        | "internetadresse" | "domain" | "domainname" | "link" | "links" | "websites" | "linkedin"
        | "linkedinurl" => Base::Link,
        "tags" | "categories" | "category" | "labels" | "groupmembership" | "kategorie" | "kategorien"
        | "schlagworte" | "stichworte" | "gruppen" | "label" | "gruppe" => Base::Tags,
        "stage" | "lifecyclestage" | "lifecyclephase" => Base::Stage,
        "kind" => Base::Kind,
        "status" | "type" | "typ" | "art" | "leadstatus" | "phase" | "stufe" | "kundenstatus"
        | "kundenart" | "kundentyp" | "customertype" | "customerstatus" | "contacttype" => Base::Word,
        "created" | "createdate" | "createdat" | "createdon" | "createddate" | "creationdate"
        | "dateadded" | "datecreated" | "addedon" | "since" | "kundeseit" | "erstelltam" | "erstelldatum"
        | "angelegtam" | "anlagedatum" | "hinzugefuegtam" => Base::Since,
        "note" | "notes" | "notiz" | "notizen" | "comment" | "comments" | "kommentar" | "kommentare"
        | "bemerkung" | "bemerkungen" | "anmerkung" | "anmerkungen" | "memo" => Base::Note,
        "customerid" | "customernumber" | "customerno" | "companyid" | "accountid" | "accountnumber"
        | "organizationid" | "organisationid" | "recordidcompany" | "kundennummer" | "kundennr" | "kdnr"
        | "kundenid" | "firmenid" | "debitor" | "debitorennummer" | "debitorennr" => Base::CompanyKey,
        "contactid" | "personid" | "recordidcontact" | "leadid" | "kontaktid" | "personennummer"
        | "mitgliedsnummer" => Base::PersonKey,
        "recordid" | "externalid" | "reference" | "key" | "id" | "datensatzid" | "externeid" => Base::Key,
        _ => return None,
    })
}

/// What the values of a column look like, counted.
#[derive(Debug, Clone, Default)]
struct Values {
    filled: usize,
    emails: usize,
    links: usize,
    phones: usize,
    companies: usize,
    people: usize,
    countries: usize,
    addressed: usize,
    stages: usize,
    kinds: usize,
    /// Whether all are days, written in one order.
    days: bool,
}

/// How many rows are looked at.
const SAMPLE_MAX: usize = 200;

impl Values {
    fn of(place: usize, sample: &[Row]) -> Self {
        let mut counts = Self {
            days: DayOrder::of(|| filled(place, sample)).is_some(),
            ..Self::default()
        };
        for value in filled(place, sample) {
            counts.filled += 1;
            // What is longer is none of them.
            if value.len() > 300 {
                continue;
            }
            counts.emails += usize::from(looks_like_email(value));
            counts.links += usize::from(
                value.starts_with("http://") || value.starts_with("https://") || value.starts_with("www."),
            );
            counts.phones += usize::from(looks_like_phone(value));
            counts.companies += usize::from(looks_like_company(value));
            counts.people += usize::from(looks_like_person(value));
            let plain = plain(value);
            counts.countries += usize::from(COUNTRIES.contains(&plain.as_str()));
            counts.addressed += usize::from(ADDRESSED.contains(&plain.as_str()));
            counts.stages += usize::from(words::stage(value).is_ok());
            counts.kinds += usize::from(words::kind(value).is_ok());
        }
        counts
    }

    fn are(&self, count: fn(&Self) -> usize, percent: usize) -> bool {
        self.filled > 0 && count(self) * 100 >= self.filled * percent
    }
}

const COUNTRIES: [&str; 52] = [
    "germany",
    "deutschland",
    "austria",
    "oesterreich",
    "switzerland",
    "schweiz",
    "france",
    "frankreich",
    "italy",
    "italien",
    "spain",
    "spanien",
    "portugal",
    "netherlands",
    "niederlande",
    "belgium",
    "belgien",
    "luxembourg",
    "luxemburg",
    "denmark",
    "daenemark",
    "sweden",
    "schweden",
    "norway",
    "norwegen",
    "finland",
    "finnland",
    "poland",
    "polen",
    "czechrepublic",
    "tschechien",
    "hungary",
    "ungarn",
    "ireland",
    "irland",
    "unitedkingdom",
    "uk",
    "grossbritannien",
    "usa",
    "unitedstates",
    "canada",
    "kanada",
    "mexico",
    "mexiko",
    "brazil",
    "brasilien",
    "japan",
    "china",
    "india",
    "indien",
    "australia",
    "australien",
];

const ADDRESSED: [&str; 17] = [
    "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "profdr", "herr", "frau", "drmed", "divers", "herrdr",
    "fraudr", "mag", "ing", "sir",
];

fn looks_like_phone(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let clean = value.chars().all(|c| c.is_ascii_digit() || " +()/-.".contains(c));
    if !clean || !(7..=16).contains(&digits) {
        return false;
    }
    let parts: Vec<_> = value.split(|c: char| !c.is_ascii_digit()).map(str::len).collect();
    let date = matches!(parts.as_slice(), [1..=2, 1..=2, 4] | [4, 1..=2, 1..=2]);
    value.starts_with('+') || (value.starts_with(['0', '(']) && parts.len() > 1 && !date)
}

/// Ends like the name of a company: “GmbH”, “Ltd.”.
fn looks_like_company(value: &str) -> bool {
    const FORMS: [&str; 30] = [
        "gmbh",
        "ag",
        "kg",
        "ohg",
        "gbr",
        "ug",
        "ev",
        "ek",
        "se",
        "ltd",
        "limited",
        "inc",
        "llc",
        "llp",
        "plc",
        "corp",
        "corporation",
        "co",
        "company",
        "sa",
        "sarl",
        "sas",
        "srl",
        "spa",
        "bv",
        "nv",
        "ab",
        "oy",
        "as",
        "sro",
    ];
    let last = value.rsplit(char::is_whitespace).next().unwrap_or_default();
    value.contains(char::is_whitespace) && FORMS.contains(&plain(last).as_str())
}

/// Two or three words in capitals, without digits.
fn looks_like_person(value: &str) -> bool {
    let words = value.split_whitespace().count();
    (2..=4).contains(&words)
        && !looks_like_company(value)
        && value.chars().all(|c| c.is_alphabetic() || " .'’-".contains(c))
        && value
            .split_whitespace()
            .all(|word| word.starts_with(char::is_uppercase) || word.len() <= 3)
}

/// All columns of a file on the way to their targets.
struct Guess {
    profile: Profile,
    columns: Vec<Column>,
}

impl Guess {
    fn targets(mut self, sample: &[Row]) -> Vec<Target> {
        self.ask_values();
        self.tell_names();
        let has = |base: Base| {
            self.columns
                .iter()
                .any(|column| column.base == Some(base) && !column.labels)
        };
        let company = has(Base::Company);
        let person = has(Base::FullName) || has(Base::FirstName) || has(Base::LastName);
        // An address book lists people; another table lists customers, whose address and telephone it is.
        let people_first = self.profile != Profile::Plain && person;
        let main = if company && !people_first {
            Whose::Company
        } else {
            Whose::Person
        };
        let reached = if company && !person {
            Whose::Company
        } else {
            Whose::Person
        };
        let mut targets: Vec<_> = self
            .columns
            .iter()
            .map(|column| self.target(column, main, reached))
            .collect();
        self.keys(&mut targets, company, person, sample);
        self.one_address(&mut targets);
        self.one_of_each(&mut targets);
        self.labels(&mut targets);
        targets
    }

    /// Lets values decide where the name says nothing, or something else.
    fn ask_values(&mut self) {
        let profile = self.profile;
        // Whoever has an account in the other program is not the customer.
        const INSIDE: [&str; 15] = [
            "owner",
            "besitzer",
            "betreuer",
            "zustaendig",
            "verantwortlich",
            "created",
            "updated",
            "modified",
            "erstellt",
            "manager",
            "assistant",
            "display",
            "angezeigt",
            "user",
            "benutzer",
        ];
        const PICTURES: [&str; 5] = ["photo", "foto", "image", "bild", "avatar"];
        let country = self
            .columns
            .iter()
            .any(|column| column.base == Some(Base::Country));
        for column in &mut self.columns {
            let about = |words: &[&str]| words.iter().any(|word| column.name.contains(word));
            let values = &column.values;
            column.base = match column.base {
                Some(
                    Base::Company
                    | Base::Name
                    | Base::FullName
                    | Base::JobTitle
                    | Base::Phone
                    | Base::Mobile
                    | Base::Link
                    | Base::Street,
                ) if values.are(|v| v.emails, 60) => Some(Base::Email),
                None if column.labels || about(&INSIDE) || about(&PICTURES) => None,
                None if values.are(|v| v.emails, 60) => Some(Base::Email),
                None if values.are(|v| v.links, 60) => Some(Base::Link),
                None if values.are(|v| v.phones, 80) => Some(Base::Phone),
                None if values.are(|v| v.countries, 70) && !country => Some(Base::Country),
                Some(Base::Title) => match profile {
                    Profile::Outlook => None,
                    _ if values.are(|v| v.addressed, 60) => None,
                    _ => Some(Base::JobTitle),
                },
                Some(Base::Stage) if values.filled > 0 && !values.are(|v| v.stages, 100) => None,
                Some(Base::Kind) if values.filled > 0 && !values.are(|v| v.kinds, 100) => None,
                Some(Base::Since) if !values.days => None,
                Some(Base::Word) if values.are(|v| v.kinds, 100) => Some(Base::Kind),
                Some(Base::Word) if values.are(|v| v.stages, 100) => Some(Base::Stage),
                Some(Base::Word) => None,
                Some(Base::Company) if profile == Profile::Outlook && column.name == "account" => None,
                base => base,
            };
        }
    }

    /// Says of every name whether it is a company's or a person's.
    fn tell_names(&mut self) {
        let has = |base: Base| {
            self.columns
                .iter()
                .any(|column| column.base == Some(base) && !column.labels)
        };
        let (company, first, last, full) = (
            has(Base::Company),
            has(Base::FirstName),
            has(Base::LastName),
            has(Base::FullName),
        );
        // What only tables of companies have.
        const OF_COMPANIES: [&str; 12] = [
            "industry",
            "branche",
            "companyowner",
            "accountowner",
            "numberofemployees",
            "employees",
            "mitarbeiter",
            "annualrevenue",
            "vatid",
            "ustid",
            "ustidnr",
            "handelsregister",
        ];
        let of_companies = self
            .columns
            .iter()
            .any(|column| OF_COMPANIES.contains(&column.name.as_str()));
        for column in &mut self.columns {
            if column.base != Some(Base::Name) {
                continue;
            }
            let many = column.values.are(|v| v.people, 50);
            column.base = Some(match column.side {
                Some(Whose::Company) => Base::Company,
                Some(Whose::Person) => Base::FullName,
                // “Name, Vorname”.
                None if first && !last && !many => Base::LastName,
                None if company || first || last => Base::FullName,
                None if full || of_companies || column.values.are(|v| v.companies, 25) => Base::Company,
                None => Base::FullName,
            });
        }
        let named = [Base::Company, Base::FullName, Base::FirstName, Base::LastName];
        if self
            .columns
            .iter()
            .any(|column| column.base.is_some_and(|base| named.contains(&base)))
        {
            return;
        }
        let looks = |column: &&mut Column, count: fn(&Values) -> usize, percent| {
            column.base.is_none() && column.values.filled > 1 && column.values.are(count, percent)
        };
        if let Some(column) = self
            .columns
            .iter_mut()
            .find(|column| looks(column, |v| v.companies, 40))
        {
            column.base = Some(Base::Company);
        }
        if let Some(column) = self
            .columns
            .iter_mut()
            .find(|column| looks(column, |v| v.people, 80))
        {
            column.base = Some(Base::FullName);
        }
    }

    /// What a column is. Addresses and telephones are `main`'s, what reaches a single human being is the person's if
    /// there is one (`reached`).
    fn target(&self, column: &Column, main: Whose, reached: Whose) -> Target {
        let Some(base) = column.base.filter(|_| !column.labels) else {
            return Target::Ignore;
        };
        let of = |usual: Whose| match (column.side, column.place) {
            (Some(side), _) => side,
            (None, Place::Home) => reached,
            // Salesforce's accounts have these, its contacts the mailing address.
            (None, Place::Billing | Place::Shipping)
                if self.profile == Profile::Salesforce
                    && self
                        .columns
                        .iter()
                        .any(|column| column.base == Some(Base::Company)) =>
            {
                Whose::Company
            }
            _ => usual,
        };
        let labelled = |whose, field, label: String| Target::Field { whose, field, label };
        let place = column.place.label().to_owned();
        match base {
            Base::Company => Target::field(Whose::Company, Field::Name),
            Base::FullName | Base::Name => Target::field(Whose::Person, Field::Name),
            Base::FirstName => Target::FirstName,
            Base::LastName => Target::LastName,
            Base::JobTitle | Base::Title => Target::field(Whose::Person, Field::JobTitle),
            Base::Street => Target::field(of(main), Field::Street),
            Base::City => Target::field(of(main), Field::City),
            Base::Region => Target::field(of(main), Field::Region),
            Base::PostalCode => Target::field(of(main), Field::PostalCode),
            Base::Country => Target::field(of(main), Field::Country),
            Base::Phone if column.place == Place::Mobile => labelled(of(reached), Field::Phones, place),
            Base::Phone => labelled(of(main), Field::Phones, place),
            Base::Fax => labelled(
                of(main),
                Field::Phones,
                match column.place {
                    Place::Home | Place::Other => format!("{place} fax"),
                    _ => "fax".to_owned(),
                },
            ),
            Base::Mobile => labelled(of(reached), Field::Phones, "mobile".to_owned()),
            Base::Email => labelled(of(reached), Field::Emails, place),
            Base::Link => Target::field(of(main), Field::Links),
            Base::Tags => Target::field(of(main), Field::Tags),
            Base::Stage => Target::field(of(main), Field::Stage),
            // It is that of the row's main record; a person's beside a company is known without.
            Base::Kind => {
                let company = self
                    .columns
                    .iter()
                    .any(|column| column.base == Some(Base::Company));
                match main {
                    Whose::Person if company => Target::Ignore,
                    main => Target::field(main, Field::Kind),
                }
            }
            Base::Since => Target::Since(of(main)),
            Base::Note => Target::Note(of(main)),
            Base::Word | Base::CompanyKey | Base::PersonKey | Base::Key => Target::Ignore,
        }
    }

    /// Gives each record one reference at most.
    fn keys(&self, targets: &mut [Target], company: bool, person: bool, sample: &[Row]) {
        let mut taken = Vec::new();
        for (place, (column, target)) in self.columns.iter().zip(targets).enumerate() {
            let whose = match (column.base, column.side) {
                (Some(Base::CompanyKey), _) if company => Whose::Company,
                (Some(Base::CompanyKey), _) => Whose::Person,
                (Some(Base::PersonKey), _) if person || !company => Whose::Person,
                (Some(Base::PersonKey), _) => Whose::Company,
                (Some(Base::Key), Some(side)) => side,
                (Some(Base::Key), None) if !company => Whose::Person,
                (Some(Base::Key), None) if !person => Whose::Company,
                (Some(Base::Key), None)
                    if self.profile != Profile::Plain || self.companies_repeat(place, sample) =>
                {
                    Whose::Person
                }
                (Some(Base::Key), None) => Whose::Company,
                _ => continue,
            };
            // A row without a value where there is a reference is refused: it has to be the rule.
            let sparse = column.values.filled * 2 < sample.len().min(SAMPLE_MAX);
            if column.labels || sparse || taken.contains(&whose) {
                continue;
            }
            taken.push(whose);
            *target = Target::Reference(whose);
        }
    }

    /// Whether one company has several keys in this column: then it is not the company's.
    fn companies_repeat(&self, key: usize, sample: &[Row]) -> bool {
        let Some(name) = self
            .columns
            .iter()
            .position(|column| column.base == Some(Base::Company))
        else {
            return false;
        };
        let mut seen = BTreeMap::<String, &str>::new();
        sample.iter().take(SAMPLE_MAX).any(|row| {
            let (Some(name), Some(key)) = (row.fields.get(name), row.fields.get(key)) else {
                return false;
            };
            let name = plain(name);
            !name.is_empty() && *seen.entry(name).or_insert(key) != key
        })
    }

    /// Keeps of several addresses of a record the best one that has values.
    fn one_address(&self, targets: &mut [Target]) {
        let is_address = |target: &Target| match target {
            Target::Field {
                whose,
                field: Field::Street | Field::City | Field::Region | Field::PostalCode | Field::Country,
                ..
            } => Some(*whose),
            _ => None,
        };
        for whose in [Whose::Company, Whose::Person] {
            let group = |column: &Column| (column.place, column.group);
            let mut groups = BTreeMap::<(Place, u32), bool>::new();
            for (column, target) in self.columns.iter().zip(&*targets) {
                if is_address(target) == Some(whose) {
                    *groups.entry(group(column)).or_default() |= column.values.filled > 0;
                }
            }
            let best = groups
                .iter()
                .find(|(_, filled)| **filled)
                .or_else(|| groups.iter().next());
            let Some(best) = best.map(|(group, _)| *group) else {
                continue;
            };
            for (column, target) in self.columns.iter().zip(targets.iter_mut()) {
                if is_address(target) == Some(whose) && group(column) != best {
                    *target = Target::Ignore;
                }
            }
        }
    }

    /// Keeps one column for what a record has once: the first of those that have values oftenest.
    fn one_of_each(&self, targets: &mut [Target]) {
        let mut best = BTreeMap::<(Whose, Field), (usize, usize)>::new();
        let single = |target: &Target| match target {
            Target::Field { whose, field, .. } if field.contact_kind().is_none() => match field {
                Field::Street | Field::Tags => None,
                field => Some((*whose, *field)),
            },
            _ => None,
        };
        for (place, (column, target)) in self.columns.iter().zip(&*targets).enumerate() {
            if let Some(key) = single(target) {
                let kept = best.entry(key).or_insert((place, column.values.filled));
                if column.values.filled > kept.1 {
                    *kept = (place, column.values.filled);
                }
            }
        }
        for (place, target) in targets.iter_mut().enumerate() {
            if single(target).is_some_and(|key| best.get(&key).is_some_and(|(kept, _)| *kept != place)) {
                *target = Target::Ignore;
            }
        }
    }

    /// Finds the values that columns of labels belong to.
    fn labels(&self, targets: &mut [Target]) {
        if self.profile != Profile::Google {
            return;
        }
        for (place, column) in self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.labels)
        {
            let of = self
                .columns
                .iter()
                .position(|other| !other.labels && other.base == column.base && other.group == column.group);
            let of = of.filter(|of| {
                targets
                    .get(*of)
                    .is_some_and(|target| target.contact_kind().is_some())
            });
            if let (Some(of), Some(target)) =
                (of.and_then(|of| u32::try_from(of).ok()), targets.get_mut(place))
            {
                *target = Target::Label { column: of };
            }
        }
    }
}
