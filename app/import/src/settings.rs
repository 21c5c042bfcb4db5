//! How a file is read, mapped and matched, with what comes of its first rows, told at once.

use kit::{
    door::{DoorForm, Form, component::values_of, use_field, use_form},
    ui::{
        button::{Button, Weight},
        field::Field as TextField,
        select::{Options, Select},
    },
};
use leptos::{ev, prelude::*};
use rapport_domain::{
    customer::{Field, FieldValue},
    form::Values,
    id::ImportId,
    import::{
        DayOrder, Delimiter, Draft, Encoding, ImportSettings, ImportView, MatchBy, OnMatch, Row,
        SavedMapping, Target, stages_offered,
    },
    text::many,
};
use wasm_bindgen::JsCast;

use super::{page::Forget, report::Counts};

/// How many values of a column are shown.
const SHOWN: usize = 3;
/// How many rows the preview shows.
const PREVIEWED: usize = 5;

/// The mapping of a file that is here and has not been brought in.
#[component]
pub fn Mapping(
    /// The import.
    view: ImportView,
    /// The first rows of its file.
    sample: Vec<Row>,
    /// The mappings that people keep.
    mappings: Vec<SavedMapping>,
) -> impl IntoView {
    let ImportView {
        id,
        settings,
        forecast,
        ..
    } = view;
    let Some(settings) = settings else {
        return ().into_any();
    };
    let values = settings.values();
    let shown = RwSignal::new(preview(&settings, &sample));
    let columns = settings
        .mapping
        .headers
        .iter()
        .enumerate()
        .map(|(place, header)| column(place, header, settings.mapping.targets.get(place), &sample))
        .collect_view();
    let (base, rows) = (settings.clone(), sample);
    let outdated = RwSignal::new(false);
    let told = move |event: ev::Event| {
        outdated.set(true);
        let Some(form) = event
            .current_target()
            .and_then(|form| form.dyn_into::<web_sys::Element>().ok())
            .and_then(|wrap| wrap.query_selector("form").ok().flatten())
            .and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok())
        else {
            return;
        };
        shown.set(match base.with_values(&values_of(&form)) {
            Ok(settings) => preview(&settings, &rows),
            Err(errors) => vec![Err(errors.0.into_values().collect::<Vec<_>>().join(" "))],
        });
    };
    let forecast = forecast.map(|report| {
        let rows = report.rows - report.problem_rows;
        view! {
            <p class="notice" role="status" hidden=move || !outdated.get()>
                "The mapping has changed since the check. Check again to see what it would do now."
            </p>
            <section class="card run" aria-label="What it would do" hidden=move || outdated.get()>
                <h2>"What it would do"</h2>
                <Counts report/>
                <div class="acts">
                    <DoorForm form=Form::RunImport(id)>
                        <Button kind="submit" weight=Weight::Main tall=true>{format!("Import {}", many(rows, "row", "rows"))}</Button>
                    </DoorForm>
                </div>
            </section>
        }
    });
    view! {
        {forecast}
        <Reading id settings=settings.clone() mappings/>
        <div on:input=told>
            <DoorForm form=Form::CheckImport(id) values class="form">
                <h2>"Columns"</h2>
                <div class="wide">
                    <table class="table columns">
                        <thead>
                            <tr>
                                <th scope="col">"Column"</th>
                                <th scope="col">"First values"</th>
                                <th scope="col">"Becomes"</th>
                                <th scope="col">"Label"</th>
                            </tr>
                        </thead>
                        <tbody>{columns}</tbody>
                    </table>
                </div>
                <h2>"First rows"</h2>
                <ol class="preview" aria-live="polite">
                    {move || shown.get().into_iter().map(previewed).collect_view()}
                </ol>
                <Rules/>
                <div class="acts">
                    <CheckButton/>
                </div>
            </DoorForm>
        </div>
        <div class="acts">
            // It keeps what was checked or stored, not what stands in the form.
            <div class="grow" hidden=move || outdated.get()><Keep id/></div>
            <Forget id/>
        </div>
    }
    .into_any()
}

#[component]
fn CheckButton() -> impl IntoView {
    let busy = use_form().map(|form| form.pending).unwrap_or_default();
    view! {
        <Button kind="submit" weight=Weight::Main tall=true busy>
            "Check what it would do"
        </Button>
    }
}

/// How the file is read, and earlier mappings to take.
#[component]
fn Reading(id: ImportId, settings: ImportSettings, mappings: Vec<SavedMapping>) -> impl IntoView {
    let pick = |word: &str, label: &str| (word.to_owned(), label.to_owned());
    let encodings = Encoding::EVERY
        .map(|encoding| {
            let order = match encoding {
                Encoding::Utf16Be => ", high byte first",
                _ => "",
            };
            pick(encoding.word(), &format!("{}{order}", encoding.label()))
        })
        .to_vec();
    let delimiters = Delimiter::EVERY
        .map(|delimiter| pick(delimiter.word(), delimiter.word()))
        .to_vec();
    let values = Values::default()
        .with("encoding", settings.dialect.encoding.word())
        .with("delimiter", settings.dialect.delimiter.word());
    let mappings: Vec<_> = mappings
        .into_iter()
        .filter(|kept| kept.mapping.for_headers(&settings.mapping.headers).is_some())
        .map(|kept| (kept.id.to_string(), kept.name))
        .collect();
    let earlier = (!mappings.is_empty()).then(|| {
        view! {
            <DoorForm form=Form::MapImport(id) class="row">
                <Select name="mapping" label="Kept mapping" options=mappings/>
                <Button kind="submit" tall=true>"Use it"</Button>
            </DoorForm>
        }
    });
    view! {
        <details class="card">
            <summary>
                {format!(
                    "Read as {}, {}, separated by {}",
                    settings.mapping.profile.label(),
                    settings.dialect.encoding.label(),
                    settings.dialect.delimiter.word(),
                )}
            </summary>
            <DoorForm form=Form::ReadImport(id) values class="row">
                <Select name="encoding" label="Characters" options=encodings/>
                <Select name="delimiter" label="Between values" options=delimiters/>
                <Button kind="submit" tall=true>"Read again"</Button>
            </DoorForm>
        </details>
        {earlier}
    }
    .into_any()
}

/// Keeps the mapping for the next file.
#[component]
fn Keep(id: ImportId) -> impl IntoView {
    view! {
        <details class="card grow">
            <summary>"Keep this mapping for the next file of its kind"</summary>
            <DoorForm form=Form::KeepMapping(id) class="row">
                <TextField name="name" label="Name of the mapping"/>
                <Button kind="submit" tall=true>"Keep"</Button>
            </DoorForm>
        </details>
    }
    .into_any()
}

/// One column: its name, what is in it, what becomes of it.
fn column(place: usize, header: &str, target: Option<&Target>, sample: &[Row]) -> AnyView {
    let values: Vec<_> = sample
        .iter()
        .filter_map(|row| row.fields.get(place))
        .map(|value| value.trim())
        .filter(|value| !value.is_empty())
        .take(SHOWN)
        .collect();
    let values = values.join(" · ");
    let title = values.clone();
    let picked = target.map(Target::word).unwrap_or_default();
    let mut options: Vec<(String, String)> = Target::offered()
        .into_iter()
        .map(|(target, words)| (target.word(), words))
        .collect();
    if !options.iter().any(|(word, _)| *word == picked) {
        options.push((picked.clone(), "Labels of another column".to_owned()));
    }
    let label = match target {
        Some(Target::Field { label, .. }) => label.clone(),
        _ => String::new(),
    };
    let name = header.to_owned();
    view! {
        <tr>
            <th scope="row"><span class="cut">{name.clone()}</span></th>
            <td><span class="cut dim" title=title>{values}</span></td>
            <td>
                <TargetSelect place name=name.clone() options picked/>
            </td>
            <td>
                <input
                    class="input"
                    name=format!("label.{place}")
                    value=label
                    aria-label=format!("Label of {name}")
                    autocomplete="off"
                />
            </td>
        </tr>
    }
    .into_any()
}

#[component]
fn TargetSelect(place: usize, name: String, options: Vec<(String, String)>, picked: String) -> impl IntoView {
    let field = format!("target.{place}");
    let error = use_field(&field).error;
    view! {
        <select
            class="input"
            name=field
            aria-label=format!("What {name} becomes")
            aria-invalid=move || error.with(Option::is_some).then_some("true")
        >
            <Options options picked/>
        </select>
    }
    .into_any()
}

/// What holds for all rows, and what happens to those that are here already.
#[component]
fn Rules() -> impl IntoView {
    let then = OnMatch::OFFERED
        .map(|(_, word, label)| (word.to_owned(), label.to_owned()))
        .to_vec();
    let by = MatchBy::EVERY
        .map(|by| {
            let label = match by {
                MatchBy::Id => "Rapport’s id",
                MatchBy::Reference => "key in the source",
                MatchBy::Email => "e-mail",
                MatchBy::Phone => "phone",
                MatchBy::Name => "name and company",
            };
            view! { <Check name=format!("by.{}", by.word()) label/> }
        })
        .collect_view();
    let days = DayOrder::OFFERED
        .map(|(_, word, example)| (word.to_owned(), format!("2025-12-31, {example}")))
        .to_vec();
    view! {
        <h2>"Who is here already"</h2>
        <fieldset class="checks">
            <legend>"A row is known by its"</legend>
            {by}
        </fieldset>
        <div class="pair">
            <Select name="then" label="Then" options=then/>
            <div class="field">
                <span class="label">"In the trash"</span>
                <Check name="restore".to_owned() label="bring it back"/>
            </div>
        </div>
        <h2>"For all rows"</h2>
        <div class="pair">
            <Select name="stage" label="Stage" options=stages_offered()/>
            <TextField name="country" label="Country" hint="Where the row has none."/>
        </div>
        <div class="pair">
            <TextField name="tags" label="Tags" hint="Separated by commas."/>
            <TextField name="nothing" label="Words for nothing" hint="Such as NULL; separated by commas."/>
        </div>
        <Select name="days" label="Days" options=days/>
        <TextField name="source" label="Source" hint="By this name and its key a row is known again."/>
    }
    .into_any()
}

#[component]
fn Check(name: String, label: &'static str) -> impl IntoView {
    let state = use_field(&name);
    view! {
        <label class="check">
            <input type="checkbox" name=name checked=!state.value.is_empty()/>
            {label}
        </label>
    }
    .into_any()
}

/// What a row becomes, by record: its kind, its name and the rest; or why it becomes nothing.
type Previewed = Result<Vec<(&'static str, String, String)>, String>;

/// What the first rows become.
fn preview(settings: &ImportSettings, sample: &[Row]) -> Vec<Previewed> {
    let mapper = settings.mapping.mapper();
    let rows = sample.iter().take(PREVIEWED).cloned();
    rows.map(|row| match mapper.map(row) {
        Ok(mapped) => {
            let company = mapped.company.iter().map(|draft| ("Company", draft));
            let person = mapped.person.iter().map(|draft| ("Person", draft));
            let told = company.chain(person);
            Ok(told
                .map(|(kind, draft)| (kind, draft.name().to_owned(), summary(draft)))
                .collect())
        }
        Err(row) => Err(format!("Line {}: {}", row.line, row.reason)),
    })
    .collect()
}

/// What a draft says beside its name.
fn summary(draft: &Draft) -> String {
    let told = draft
        .fields
        .0
        .iter()
        .filter_map(|(field, value)| match (field, value) {
            (Field::Name | Field::Kind | Field::Stage, _) => None,
            (_, FieldValue::Text(text)) => Some(text.clone()),
            (_, FieldValue::List(list)) if !list.is_empty() => Some(list.join(", ")),
            _ => None,
        });
    let since = draft.since.map(|day| format!("added on {day}"));
    told.chain(since)
        .chain(draft.note.clone())
        .collect::<Vec<_>>()
        .join(" · ")
}

fn previewed(row: Previewed) -> AnyView {
    match row {
        Ok(records) => {
            let records = records.into_iter().map(|(kind, name, rest)| {
                view! {
                    <div class="cut">
                        <span class="pill c5">{kind}</span>
                        " "
                        <b>{name}</b>
                        " "
                        <span class="dim">{rest}</span>
                    </div>
                }
            });
            view! { <li>{records.collect_view()}</li> }.into_any()
        }
        Err(said) => view! { <li class="wrong">{said}</li> }.into_any(),
    }
}
