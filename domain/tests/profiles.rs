//! Exports of other programs as they come: what each column is taken for, and what the rows become.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use rapport_domain::{
    customer::{Field, FieldValue},
    import::{Dialect, Draft, Mapped, Mapping, Profile, Row, Sample, Target, Whose},
};

/// Reads a file as an import does: dialect, sample, guess, rows.
fn import(file: &str) -> (Mapping, Vec<Mapped>) {
    let dialect = Dialect::detect(file.as_bytes()).unwrap();
    let sample = Sample::read(file.as_bytes(), true, dialect, 1_000).unwrap();
    assert_eq!(sample.unreadable, []);
    let mapping = Mapping::guess(&sample.headers, &sample.rows, "file");
    mapping.check().unwrap();
    let mapper = mapping.mapper();
    let rows = sample
        .rows
        .into_iter()
        .map(|row| mapper.map(row).unwrap())
        .collect();
    (mapping, rows)
}

fn reason(file: &str) -> String {
    let dialect = Dialect::detect(file.as_bytes()).unwrap();
    let sample = Sample::read(file.as_bytes(), true, dialect, 1_000).unwrap();
    let mapping = Mapping::guess(&sample.headers, &sample.rows, "file");
    sample
        .rows
        .into_iter()
        .find_map(|row| mapping.map(row).err())
        .unwrap()
        .reason
}

/// `name=… city=… phones=work:030 1|fax:030 2`, in the order of the fields; kind and stage only where they are not the
/// usual ones.
fn told(draft: &Draft) -> String {
    let mut parts = Vec::new();
    for (field, value) in &draft.fields.0 {
        let said = match value {
            FieldValue::Text(text)
                if *field != Field::Kind && !(*field == Field::Stage && text == "customer") =>
            {
                text.clone()
            }
            FieldValue::List(list) => {
                let one = |value: &String| match draft.label(*field, value) {
                    "" => value.clone(),
                    label => format!("{label}:{value}"),
                };
                list.iter().map(one).collect::<Vec<_>>().join("|")
            }
            _ => continue,
        };
        parts.push(format!("{field}={said}"));
    }
    if let Some(reference) = &draft.reference {
        parts.push(format!("ref={}", reference.key));
    }
    parts.join(" ")
}

fn company(mapped: &Mapped) -> String {
    mapped.company.as_ref().map(told).unwrap_or_default()
}

fn person(mapped: &Mapped) -> String {
    mapped.person.as_ref().map(told).unwrap_or_default()
}

#[test]
fn google_contacts_of_today() {
    let (mapping, rows) = import(
        "First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,Name Prefix,Name Suffix,Nickname,File As,Organization Name,Organization Title,Organization Department,Birthday,Notes,Photo,Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value,Address 1 - Label,Address 1 - Formatted,Address 1 - Street,Address 1 - City,Address 1 - PO Box,Address 1 - Region,Address 1 - Postal Code,Address 1 - Country,Address 1 - Extended Address,Website 1 - Label,Website 1 - Value\n\
         Ada,King,Lovelace,,,,,,,,Analytical Engines Ltd,Programmer,R&D,1815-12-10,a note,https://lh3.googleusercontent.com/x,* myContacts ::: Friends ::: * starred,* Work,ada@engines.uk ::: ada@b.uk,Home,ada@home.uk,Mobile,+44 20 7946 0958,Work Fax,+44 20 7946 0959,Home,\"12 St James's Sq\nLondon\",12 St James's Sq,London,,,SW1Y 4LB,GB,,Blog,ada.uk\n\
         ,,,,,,,,,,,,,,,https://lh3.googleusercontent.com/y,* myContacts,*,only@mail.org,,,,,,,,,,,,,,,,,\n\
         ,,,,,,,,,,Bakery,,,,,,,,,,,Main,030 123456,,,,,,,,,,,,,\n",
    );
    assert_eq!(mapping.profile, Profile::Google);
    assert_eq!(company(&rows[0]), "name=Analytical Engines Ltd");
    assert_eq!(
        person(&rows[0]),
        "name=Ada King Lovelace job_title=Programmer emails=work:ada@engines.uk|work:ada@b.uk|home:ada@home.uk phones=mobile:+44 20 7946 0958|work fax:+44 20 7946 0959 links=Blog:https://ada.uk street=12 St James's Sq postal_code=SW1Y 4LB city=London country=GB tags=Friends"
    );
    assert_eq!(rows[0].person.as_ref().unwrap().note.as_deref(), Some("a note"));
    // Only an address: it is the name. Only a company: it has the number.
    assert_eq!(person(&rows[1]), "name=only@mail.org emails=only@mail.org");
    assert_eq!(
        (company(&rows[2]), person(&rows[2])),
        ("name=Bakery phones=main:030 123456".to_owned(), String::new())
    );
}

#[test]
fn google_contacts_as_they_were() {
    let (mapping, rows) = import(
        "Name,Given Name,Additional Name,Family Name,Group Membership,E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,Organization 1 - Type,Organization 1 - Name,Organization 1 - Title\n\
         Ada Lovelace,Ada,,Lovelace,* myContacts,* Work,a@b.uk,Mobile,07 12345,,Engines,Programmer\n",
    );
    assert_eq!(mapping.profile, Profile::Google);
    assert_eq!(company(&rows[0]), "name=Engines");
    assert_eq!(
        person(&rows[0]),
        "name=Ada Lovelace job_title=Programmer emails=work:a@b.uk phones=mobile:07 12345"
    );
}

#[test]
fn outlook_in_english() {
    let (mapping, rows) = import(
        "Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title,Business Street,Business Street 2,Business City,Business State,Business Postal Code,Business Country/Region,Home Street,Home City,Home Postal Code,Business Fax,Business Phone,Business Phone 2,Company Main Phone,Home Phone,Mobile Phone,Account,Birthday,Categories,E-mail Address,E-mail Type,E-mail Display Name,E-mail 2 Address,Web Page\n\
         Mr.,John,,Doe,Jr.,Acme,Sales,Buyer,1 Main St,2nd floor,Springfield,IL,62701,USA,9 Elm St,Shelbyville,62565,217 555-0101,217 555-0100,,217 555-0000,217 555-0199,217 555-0150,jd-acct,0/0/00,Blue;Key account,john@acme.com,SMTP,John Doe (john@acme.com),john@home.org,www.acme.com\n",
    );
    assert_eq!(mapping.profile, Profile::Outlook);
    assert_eq!(company(&rows[0]), "name=Acme phones=main:217 555-0000");
    assert_eq!(
        person(&rows[0]),
        "name=John Doe Jr. job_title=Buyer emails=john@acme.com|john@home.org phones=fax:217 555-0101|work:217 555-0100|home:217 555-0199|mobile:217 555-0150 links=https://www.acme.com street=1 Main St, 2nd floor postal_code=62701 city=Springfield region=IL country=USA tags=Blue|Key account"
    );
    for ignored in [
        "Title",
        "Account",
        "Home Street",
        "E-mail Display Name",
        "Birthday",
    ] {
        assert!(mapping.ignored().contains(&ignored.to_owned()), "{ignored}");
    }
}

#[test]
fn outlook_in_german() {
    let (mapping, rows) = import(
        "Anrede;Vorname;Weitere Vornamen;Nachname;Firma;Abteilung;Position;Straße geschäftlich;Ort geschäftlich;Region geschäftlich;Postleitzahl geschäftlich;Land/Region geschäftlich;Straße privat;Ort privat;Fax geschäftlich;Telefon geschäftlich;Telefon privat;Mobiltelefon;E-Mail-Adresse;E-Mail-Typ;E-Mail: Angezeigter Name;E-Mail 2: Adresse;Kategorien;Webseite\n\
         Frau;Jürgen;;Groß;Müller GmbH;Einkauf;Leiter;Hauptstr. 1;Köln;NRW;50667;Deutschland;Weg 2;Bonn;0221 12;0221 11;0228 11;0170 1234567;j@mueller.de;SMTP;Jürgen Groß;;;mueller.de\n",
    );
    assert_eq!(mapping.profile, Profile::Outlook);
    assert_eq!(company(&rows[0]), "name=Müller GmbH");
    assert_eq!(
        person(&rows[0]),
        "name=Jürgen Groß job_title=Leiter emails=j@mueller.de phones=fax:0221 12|work:0221 11|home:0228 11|mobile:0170 1234567 links=https://mueller.de street=Hauptstr. 1 postal_code=50667 city=Köln region=NRW country=Deutschland"
    );
}

#[test]
fn hubspot_contacts_and_companies() {
    let (mapping, rows) = import(
        "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Marketing contact status,Create Date (GMT+1),Associated Company,Associated Company IDs,Lifecycle Stage,Job Title,City\n\
         101,Ada,Lovelace,ada@b.uk,+44 20 1,Jo Owner (jo@crm.com),New,Marketing contact,2024-01-01,Engines,77,Marketing Qualified Lead,Programmer,London\n\
         102,Bob,Babbage,bob@b.uk,,jo@crm.com,,,2024-01-02,Engines,77,Opportunity,,\n"
            .replace("+44 20 1", "+44 20 123")
            .as_str(),
    );
    assert_eq!(mapping.profile, Profile::HubSpot);
    assert_eq!(company(&rows[0]), "name=Engines stage=lead");
    assert_eq!(
        person(&rows[0]),
        "name=Ada Lovelace stage=lead job_title=Programmer emails=ada@b.uk phones=+44 20 123 city=London ref=101"
    );
    assert_eq!(
        person(&rows[1]),
        "name=Bob Babbage stage=prospect emails=bob@b.uk ref=102"
    );
    let (mapping, rows) = import(
        "Record ID,Company name,Company owner,Create Date,Phone Number,City,Country/Region,Industry,Company Domain Name,Street Address\n\
         7,Engines,Jo,2024-01-01,+44 20 123,London,UK,Software,engines.uk,1 Road\n",
    );
    assert_eq!(mapping.profile, Profile::HubSpot);
    assert_eq!(
        company(&rows[0]),
        "name=Engines phones=+44 20 123 links=https://engines.uk street=1 Road city=London country=UK ref=7"
    );
}

#[test]
fn pipedrive_people_and_organisations() {
    let (mapping, rows) = import(
        "Person - ID,Person - Name,Person - Label,Person - Organization,Person - Email - Work,Person - Email - Home,Person - Phone - Work,Person - Phone - Mobile,Person - Owner,Organization - Address\n\
         5,Ada Lovelace,Hot lead,Engines,\"a@b.uk, c@b.uk\",h@b.uk,\"+44 20 12345, +44 20 67890\",07 12345,Jo,\"1 Road, London\"\n",
    );
    assert_eq!(mapping.profile, Profile::Pipedrive);
    assert_eq!(company(&rows[0]), "name=Engines street=1 Road, London");
    assert_eq!(
        person(&rows[0]),
        "name=Ada Lovelace emails=work:a@b.uk|work:c@b.uk|home:h@b.uk phones=work:+44 20 12345|work:+44 20 67890|mobile:07 12345 tags=Hot lead ref=5"
    );
    let (mapping, rows) = import(
        "Name,Organization,Phone,Email,Owner,Open deals,Closed deals\nAda L,Engines,030 12345,a@b.uk,jo@x.y,1,2\n",
    );
    assert_eq!(mapping.profile, Profile::Pipedrive);
    assert_eq!(
        (company(&rows[0]), person(&rows[0])),
        (
            "name=Engines".to_owned(),
            "name=Ada L emails=a@b.uk phones=030 12345".to_owned()
        )
    );
}

#[test]
fn salesforce_contacts_and_accounts() {
    let (mapping, rows) = import(
        "Id,IsDeleted,AccountId,LastName,FirstName,Salutation,Name,OtherStreet,OtherCity,MailingStreet,MailingCity,MailingState,MailingPostalCode,MailingCountry,Phone,Fax,MobilePhone,HomePhone,AssistantPhone,ReportsToId,Email,Title,Department,LeadSource,OwnerId\n\
         003A,0,001A,Lovelace,Ada,Ms.,Ada Lovelace,,,\"1 Road\n2nd floor\",London,,N1,UK,020 111,020 112,07 12345,020 113,020 114,,a@b.uk,Programmer,R&D,Web,005A\n",
    );
    assert_eq!(mapping.profile, Profile::Salesforce);
    assert_eq!(company(&rows[0]), "");
    assert_eq!(
        person(&rows[0]),
        "name=Ada Lovelace job_title=Programmer emails=a@b.uk phones=020 111|fax:020 112|mobile:07 12345|home:020 113 street=1 Road, 2nd floor postal_code=N1 city=London country=UK ref=003A"
    );
    let (mapping, rows) = import(
        "Salutation,First Name,Last Name,Title,Account Name,Mailing Street,Mailing City,Mailing Zip/Postal Code,Billing Street,Billing City,Phone,Email,Account Owner,Contact ID,Account ID\n\
         Ms.,Ada,Lovelace,Programmer,Engines,1 Road,London,N1,2 Street,Leeds,020 111,a@b.uk,Jo,003A,001A\n",
    );
    assert_eq!(mapping.profile, Profile::Salesforce);
    assert_eq!(
        company(&rows[0]),
        "name=Engines street=2 Street city=Leeds ref=001A"
    );
    assert_eq!(
        person(&rows[0]),
        "name=Ada Lovelace job_title=Programmer emails=a@b.uk phones=020 111 street=1 Road postal_code=N1 city=London ref=003A"
    );
    let (mapping, rows) = import(
        "Id,Name,Type,BillingStreet,BillingCity,ShippingCity,Phone,Website,Industry,OwnerId\n001A,Engines,Customer - Direct,2 Street,Leeds,York,020 111,engines.uk,Software,005A\n",
    );
    assert_eq!(mapping.profile, Profile::Salesforce);
    assert_eq!(
        company(&rows[0]),
        "name=Engines phones=020 111 links=https://engines.uk street=2 Street city=Leeds ref=001A"
    );
}

#[test]
fn a_plain_german_table() {
    let (mapping, rows) = import(
        "Kunden-Nr.;Firma;Ansprechpartner;Straße;Hausnummer;PLZ;Ort;Land;Telefon;Handy;E-Mail;Webseite;Status;Umsatz\n\
         K1;Müller & Söhne GmbH;Jürgen Groß;Hauptstr.;12a;50667;Köln;Deutschland;0221/12 34;0170/123;info@m.de;www.m.de;Kunde;1.234,56\n\
         K2;;Erika Muster;Weg;3;10115;Berlin;Deutschland;030/1 23;;e@m.de;;Interessent;0\n\
         K3;Nur Firma KG;;Allee;4;20095;Hamburg;Deutschland;040/1 23;;i@nur.de;;Ehemalig;0\n",
    );
    assert_eq!(mapping.profile, Profile::Plain);
    assert_eq!(mapping.ignored(), ["Umsatz"]);
    assert_eq!(
        company(&rows[0]),
        "name=Müller & Söhne GmbH phones=0221/12 34 links=https://www.m.de street=Hauptstr. 12a postal_code=50667 city=Köln country=Deutschland ref=K1"
    );
    assert_eq!(
        person(&rows[0]),
        "name=Jürgen Groß emails=info@m.de phones=mobile:0170/123 ref=K1/contact/jürgen groß"
    );
    // A private customer has the address and the number; a company without a person the e-mail.
    assert_eq!(company(&rows[1]), "");
    assert_eq!(
        person(&rows[1]),
        "name=Erika Muster stage=prospect emails=e@m.de phones=030/1 23 street=Weg 3 postal_code=10115 city=Berlin country=Deutschland ref=K2"
    );
    assert_eq!(person(&rows[2]), "");
    assert_eq!(
        company(&rows[2]),
        "name=Nur Firma KG stage=former emails=i@nur.de phones=040/1 23 street=Allee 4 postal_code=20095 city=Hamburg country=Deutschland ref=K3"
    );
}

#[test]
fn name_and_vorname_are_one_person() {
    let (_, rows) = import("Name;Vorname;Ort\nLovelace;Ada;London\nBabbage;Charles;Leeds\n");
    assert_eq!(person(&rows[0]), "name=Ada Lovelace city=London");
    let (_, rows) = import("Nachname;Vorname;Anrede\nLovelace;Ada;Frau\n");
    assert_eq!(person(&rows[0]), "name=Ada Lovelace");
}

#[test]
fn columns_without_a_name_are_told_by_their_values() {
    let (_, rows) = import(
        "A,,C,,E\nMüller GmbH,Ada Lovelace,a@b.uk,+49 30 12345,https://m.de\nSchulze AG,Bo Babbage,b@b.uk,+49 30 12346,https://s.de\n",
    );
    assert_eq!(
        company(&rows[0]),
        "name=Müller GmbH phones=+49 30 12345 links=https://m.de"
    );
    assert_eq!(person(&rows[0]), "name=Ada Lovelace emails=a@b.uk");
}

#[test]
fn values_overrule_a_name_that_says_something_else() {
    let (mapping, rows) = import("Company,Contact,Owner\nAcme,a@b.uk,jo@crm.com\nBeta,b@b.uk,jo@crm.com\n");
    assert_eq!(company(&rows[0]), "name=Acme emails=a@b.uk");
    assert_eq!(mapping.ignored(), ["Owner"]);
    let (mapping, rows) = import("Name,Title,Status\nAda Lovelace,Ms.,paid\nBo Babbage,Mr.,open\n");
    assert_eq!(person(&rows[0]), "name=Ada Lovelace");
    assert_eq!(mapping.ignored(), ["Title", "Status"]);
    let (_, rows) = import("Name,Phone\nAcme Inc.,030 12345\nBeta LLC,030 12346\n");
    assert_eq!(company(&rows[0]), "name=Acme Inc. phones=030 12345");
    let (_, rows) = import("Name,Type\nAcme,Company\nAda,Person\n");
    assert_eq!(
        (company(&rows[0]), person(&rows[1])),
        ("name=Acme".to_owned(), "name=Ada".to_owned())
    );
}

#[test]
fn a_list_of_addresses_makes_people_called_by_them() {
    let (_, rows) = import("E-mail\na@b.uk\nAda Lovelace <ada@b.uk>\n");
    assert_eq!(person(&rows[0]), "name=a@b.uk emails=a@b.uk");
    assert_eq!(person(&rows[1]), "name=ada@b.uk emails=ada@b.uk");
}

#[test]
fn a_key_is_the_persons_where_one_company_has_several() {
    let (_, rows) = import("ID,Company,Name\n1,Acme,Ada\n2,Acme,Bo\n3,Beta,Cy\n");
    assert_eq!(
        (company(&rows[0]), person(&rows[0])),
        ("name=Acme".to_owned(), "name=Ada ref=1".to_owned())
    );
    let (_, rows) = import("ID,Company,Name\n1,Acme,Ada\n2,Beta,Bo\n");
    assert_eq!(
        (company(&rows[0]), person(&rows[0])),
        (
            "name=Acme ref=1".to_owned(),
            "name=Ada ref=1/contact/ada".to_owned()
        )
    );
}

#[test]
fn a_bad_value_costs_its_row_with_a_sentence() {
    assert_eq!(
        reason("Company,E-mail\nAcme,a@b.uk;nobody\n"),
        "“E-mail”: “nobody” is not an e-mail address."
    );
    assert_eq!(
        reason("Company,Stage\nAcme,customer\nBeta,\nCy,lead\n,lead\n"),
        "“Company” has no value, but “Stage” has."
    );
    let many = (0..21)
        .map(|n| format!("a{n}@b.uk"))
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(
        reason(&format!("Company,E-mail\nAcme,{many}\n")),
        "“E-mail”: Please give at most 20."
    );
}

#[test]
fn notes_and_the_day_of_an_old_system_go_to_the_record_that_the_row_has() {
    let (mapping, rows) = import(
        "Company,Contact name,Customer since,Notes,Comments\n\
         Bakery,Ada Lovelace,12/31/2019,\"Pays late.\nSince ever.\",Call first\n\
         ,Ben Okri,01/02/2020,,\n",
    );
    let company = rows[0].company.as_ref().unwrap();
    assert_eq!(
        company.since.map(|day| day.to_string()).as_deref(),
        Some("2019-12-31")
    );
    assert_eq!(
        company.note.as_deref(),
        Some("Pays late.\nSince ever.\n\nCall first")
    );
    let person = rows[0].person.as_ref().unwrap();
    assert_eq!((person.since, &person.note), (None, &None));
    // A row without a company: it is the person's, read in the order that the first row showed.
    let person = rows[1].person.as_ref().unwrap();
    assert_eq!(
        person.since.map(|day| day.to_string()).as_deref(),
        Some("2020-01-02")
    );
    assert!(mapping.ignored().is_empty());
}

#[test]
fn a_column_that_only_sounds_like_a_day_is_not_taken() {
    let (mapping, _) = import("Name,Created\nAda Lovelace,by Ben\n");
    assert_eq!(mapping.ignored(), ["Created"]);
}

#[test]
fn a_day_that_is_none_is_said_with_its_column() {
    let file = "Name,Created\nAda,31.12.2019\nBen,31.12.2019\n";
    let dialect = Dialect::detect(file.as_bytes()).unwrap();
    let sample = Sample::read(file.as_bytes(), true, dialect, 10).unwrap();
    let mapping = Mapping::guess(&sample.headers, &sample.rows, "file");
    let mut row = sample.rows.into_iter().next().unwrap();
    row.fields[1] = "31.02.2019".to_owned();
    assert_eq!(
        mapping.map(row).unwrap_err().reason,
        "“Created”: “31.02.2019” is not a day, as 2025-12-31."
    );
}

#[test]
fn a_column_of_another_name_is_told_in_the_note() {
    let headers = ["Name", "Shoe size"].map(str::to_owned);
    let mut mapping = Mapping::guess(&headers, &[], "file");
    mapping.targets[1] = Target::Note(Whose::Person);
    let fields = ["Ada", "38"].map(str::to_owned).to_vec();
    let mapped = mapping.map(Row { line: 2, fields }).unwrap();
    assert_eq!(mapped.person.unwrap().note.as_deref(), Some("Shoe size: 38"));
}
