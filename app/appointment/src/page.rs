//! One appointment: what it is, and what can be done about it.

use kit::{
    door::{DoorForm, Form, use_changes, use_door, use_form},
    live::follow,
    load::Loaded,
    missing::MissingRecord,
    part::{self, Drawn, later},
    ui::{
        avatar::Avatar,
        awaited::{awaited, bones, waiting},
        button::{Button, LinkButton, Weight},
        crumbs::Trail,
        field::Field,
        icon::Icon,
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use rapport_domain::{
    appointment::{Appointment, Status, clock},
    form::Values,
};
use wasm_split_helpers::wasm_split;

use super::{api, list::StatusPill};

/// The page.
#[component]
pub fn AppointmentPage() -> impl IntoView {
    later(crate::CALENDAR, part::page, draw)
}

/// Draws the page.
#[wasm_split(calendar, fallible, preload(
    /// Loads its program.
    load
))]
pub fn draw() -> Drawn {
    Ok(view! { <Page/> }.into_any())
}

/// The page above all pages of appointments.
#[must_use]
pub fn to_calendar() -> (String, String) {
    ("/appointments".to_owned(), "Appointments".to_owned())
}

#[component]
fn Page() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let changes = use_changes();
    follow(move |touched| {
        let id = id.get_untracked();
        touched
            .iter()
            .any(|one| one.record.is_some_and(|record| record.to_string() == id))
    });
    let appointment = Loaded::new(
        move || (id.get(), changes.get()),
        |(id, _)| api::get_appointment(id),
    );
    let content = move || async move {
        match awaited(appointment).await {
            Ok(appointment) => view! { <Sheet appointment/> }.into_any(),
            Err(fault) => {
                let again = format!("/appointments/{}", id.get_untracked());
                view! { <MissingRecord fault again above=to_calendar() what="Appointment"/> }.into_any()
            }
        }
    };
    view! {
        <main class="main grow">
            {waiting(bones::<8>, content)}
        </main>
    }
    .into_any()
}

#[component]
fn Sheet(appointment: Appointment) -> impl IntoView {
    let name = appointment.name().to_owned();
    let standing = !appointment.deleted && appointment.status != Status::Cancelled;
    let edit = (appointment.may_update && standing).then(|| {
        view! {
            <LinkButton href=format!("/appointments/{}/edit", appointment.id) icon=icondata::LuPencil>
                <span class="sr-sm">"Edit"</span>
            </LinkButton>
        }
    });
    let gone = appointment.deleted.then(|| {
        view! {
            <div class="banner" role="status">
                <Icon icon=icondata::LuUndo2/>
                <span>"The booking of this appointment was taken back: the calendar leaves it out."</span>
            </div>
        }
    });
    let acts = (appointment.may_update && !appointment.deleted)
        .then(|| view! { <Acts appointment=appointment.clone()/> });
    view! {
        <Title text=name.clone()/>
        <div class="bar">
            <Trail above=vec![to_calendar()]/>
            <div class="named">
                <h1 class="cut" title=name>{name.clone()}</h1>
                <StatusPill status=appointment.status/>
            </div>
            <span class="grow hide-sm"></span>
            {edit}
        </div>
        {gone}
        <div class="scroll">
            <div class="page">
                <Facts appointment/>
                {acts}
            </div>
        </div>
    }
    .into_any()
}

/// When, by the viewer's clock.
fn when(appointment: &Appointment) -> String {
    let (from, to) = (appointment.from, appointment.to);
    if from.day == to.day {
        format!(
            "{}, {} – {}",
            from.day.long(),
            clock(from.minute),
            clock(to.minute)
        )
    } else {
        format!("{}, {} – {to}", from.day.long(), clock(from.minute))
    }
}

/// "45 min", "1 h", "1 h 30 min".
fn length(minutes: u16) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[component]
fn Facts(appointment: Appointment) -> impl IntoView {
    let day = format!("/appointments?view=day&day={}", appointment.from.day);
    let line = |label: &'static str, value: AnyView| {
        view! {
            <dt>{label}</dt>
            <dd>
                <div class="cell">{value}</div>
            </dd>
        }
    };
    let customer = match (&appointment.customer, appointment.hidden_customer) {
        (Some((id, name)), _) => {
            let href = format!("/customers/{id}");
            Some(view! { <a class="go" href=href>{name.clone()}</a> }.into_any())
        }
        (None, true) => Some(view! { <span class="faint">"No access"</span> }.into_any()),
        (None, false) => None,
    };
    let people = appointment
        .staff
        .iter()
        .map(|staff| {
            view! {
                <span class="acts">
                    <Avatar name=staff.name.clone()/>
                    {staff.name.clone()}
                </span>
            }
        })
        .collect_view();
    let place = appointment.place.clone().map(place);
    let download = format!("/appointments/{}/calendar.ics", appointment.id);
    view! {
        <dl class="kv">
            {line(
                "When",
                view! {
                    <a class="go num whitespace-normal" href=day>{when(&appointment)}</a>
                    <span class="faint">{length(appointment.minutes)}</span>
                    {appointment.elsewhere.clone().map(|text| view! { <span class="faint">{format!("booked as {text}")}</span> })}
                }
                    .into_any(),
            )}
            {line("Type", appointment.kind.name.clone().into_any())}
            {customer.map(|customer| line("Customer", customer))}
            {line("Who", people.into_any())}
            {place.map(|place| line("Where", place))}
            {appointment.notes.clone().map(|notes| line("Notes", view! { <span class="prose">{notes}</span> }.into_any()))}
            {appointment.reason.clone().map(|reason| line("Cancelled", reason.into_any()))}
            {line("Booked", view! { <span class="num">{appointment.created.said.clone()}</span> }.into_any())}
        </dl>
        <p class="my-4">
            <a class="btn" href=download rel="external" download="appointment.ics">
                <Icon icon=icondata::LuDownload/>
                "Add to my calendar"
            </a>
        </p>
    }
    .into_any()
}

/// A place; one that is an address on the web leads there.
fn place(place: String) -> AnyView {
    if place.starts_with("https://") || place.starts_with("http://") {
        view! { <a class="go" href=place rel="noopener noreferrer" target="_blank">{place.clone()}</a> }
            .into_any()
    } else {
        place.into_any()
    }
}

/// What can be said of it next.
fn next_statuses(status: Status, begun: bool) -> Vec<(Status, &'static str)> {
    let all = [
        (
            Status::Confirmed,
            "Confirm",
            !begun && status != Status::Cancelled,
        ),
        (Status::Done, "Held", begun),
        (Status::NoShow, "No-show", begun),
        (
            Status::Booked,
            if status == Status::Cancelled {
                "Book again"
            } else {
                "Back to booked"
            },
            status != Status::Booked,
        ),
    ];
    all.into_iter()
        .filter(|(next, _, fits)| *fits && *next != status)
        .map(|(next, words, _)| (next, words))
        .collect()
}

#[component]
fn Acts(appointment: Appointment) -> impl IntoView {
    let (id, status) = (appointment.id, appointment.status);
    let version = appointment.version;
    let back = format!("/appointments/{id}");
    let to = back.clone();
    // Never one in the place of another: who presses twice means the first.
    let key = move |(next, _): &(Status, &'static str)| (version, next.word());
    let next = next_statuses(status, appointment.begun);
    let one = move |(next, words): (Status, &'static str)| {
        let hidden = Values::default()
            .with("status", next.word())
            .with("back", to.clone());
        view! {
            <DoorForm form=Form::SetAppointmentStatus(id) seen=version hidden id=format!("status-{next}") label=words on_done=Callback::new(|_| ())>
                <Button kind="submit">{words}</Button>
            </DoorForm>
        }
    };
    // A reason that was refused is asked for again.
    let refused = use_door().failed_form() == Some(Form::CancelAppointment(id));
    let cancel = (status != Status::Cancelled).then(|| {
        let hidden = Values::default().with("back", back.clone());
        view! {
            <details class="card mt-4" open=refused>
                <summary>"Cancel this appointment"</summary>
                <DoorForm form=Form::CancelAppointment(id) seen=version hidden id="cancel" class="form" label="Cancel" on_done=Callback::new(|_| ())>
                    <Field name="reason" label="Why" hint="Others see it in the calendar and on the customer's page." required=true/>
                    <CancelButton/>
                </DoorForm>
            </details>
        }
    });
    view! {
        <div class="acts"><For each=move || next.clone() key children=one/></div>
        {cancel}
    }
    .into_any()
}

#[component]
fn CancelButton() -> impl IntoView {
    let busy = use_form().map(|form| form.pending).unwrap_or_default();
    view! {
        <div class="acts">
            <Button kind="submit" weight=Weight::Main busy>"Cancel the appointment"</Button>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_offered_once_it_has_begun() {
        let words = |status, begun| {
            next_statuses(status, begun)
                .into_iter()
                .map(|(_, words)| words)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(Status::Booked, false), ["Confirm"]);
        assert_eq!(words(Status::Booked, true), ["Held", "No-show"]);
        assert_eq!(words(Status::Cancelled, false), ["Book again"]);
        assert_eq!(words(Status::Done, true), ["No-show", "Back to booked"]);
    }

    #[test]
    fn a_length_is_said_in_hours_and_minutes() {
        assert_eq!([5, 60, 90].map(length), ["5 min", "1 h", "1 h 30 min"]);
    }
}
