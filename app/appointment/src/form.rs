//! The forms of appointments: a new one, and all of one. They work without script.

use kit::{
    api::respond,
    door::{DoorForm, Form, component::values_of, local_path, query_value, use_field, use_form},
    find::use_finding,
    load::Loaded,
    missing::MissingRecord,
    part::{self, Drawn, later},
    ui::{
        awaited::{awaited, bones, waiting},
        button::{Button, LinkButton, Weight},
        combobox::Combobox,
        crumbs::Crumbs,
        dom,
        empty::ErrorState,
        field::{Field, TextArea},
        select::{Pick, Select},
    },
};
use leptos::{ev, prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map};
use rapport_domain::{
    appointment::{Appointment, AppointmentType, BookingOptions, FreeTime, Staff, Status, clock},
    error::AppError,
    form::Values,
};
use wasm_bindgen::JsCast;
use wasm_split_helpers::wasm_split;

use super::{api, page::to_calendar};

/// The page of a new appointment.
#[component]
pub fn NewPage() -> impl IntoView {
    later(crate::CALENDAR, part::page, draw_new)
}

/// The page of all fields of an appointment.
#[component]
pub fn EditPage() -> impl IntoView {
    later(crate::CALENDAR, part::page, draw_all)
}

/// Draws the page of a new appointment.
#[wasm_split(calendar, fallible, preload(
    /// Loads its program.
    load_new
))]
pub fn draw_new() -> Drawn {
    Ok(view! { <New/> }.into_any())
}

/// Draws the page of all fields of an appointment.
#[wasm_split(calendar, fallible, preload(
    /// Loads its program.
    load_all
))]
pub fn draw_all() -> Drawn {
    Ok(view! { <All/> }.into_any())
}

#[component]
fn New() -> impl IntoView {
    let search = use_location().search.get_untracked();
    let asked = query_value(&search, "customer");
    let options = Loaded::new(move || asked.clone(), api::get_booking_options);
    let search = StoredValue::new(search);
    let form = move || async move {
        match awaited(options).await {
            Ok(options) => search.with_value(|search| new_form(search, options)),
            Err(fault) => view! { <ErrorState fault again="/appointments/new"/> }.into_any(),
        }
    };
    view! {
        <Title text="New appointment"/>
        <main class="main grow">
            <div class="bar">
                <Crumbs above=vec![to_calendar()] here="New appointment"/>
            </div>
            <div class="scroll">
                <div class="page">
                    {waiting(bones::<8>, form)}
                </div>
            </div>
        </main>
    }
    .into_any()
}

/// What the form of a new appointment starts with: what the address names, else the next half hour of the viewer.
fn new_values(search: &str, options: &BookingOptions) -> Values {
    let named = |name: &str, or: String| query_value(search, name).unwrap_or(or);
    let kind = options.types.first();
    let customer = options.customer.as_ref().map(|(id, _)| id.to_string());
    Values::default()
        .with("customer", customer.unwrap_or_default())
        .with("type", kind.map(|kind| kind.id.to_string()).unwrap_or_default())
        .with("date", named("date", options.today.to_string()))
        .with("time", named("time", clock(options.soon)))
        .with(
            "minutes",
            named("minutes", kind.map_or(30, |kind| kind.minutes).to_string()),
        )
        .with("staff", chosen(&named("staff", String::new()), options))
}

/// Those who were asked for, as far as the viewer may book for them; otherwise the viewer.
fn chosen(asked: &str, options: &BookingOptions) -> String {
    let known = options.staff.iter().map(|staff| staff.id.to_string());
    let chosen: Vec<String> = known
        .filter(|id| asked.split(',').any(|asked| asked == id))
        .collect();
    if chosen.is_empty() {
        options.me.map(|id| id.to_string()).unwrap_or_default()
    } else {
        chosen.join("\n")
    }
}

fn new_form(search: &str, options: BookingOptions) -> AnyView {
    let values = new_values(search, &options);
    let back = query_value(search, "back");
    let back = back.as_deref().and_then(local_path).map(str::to_owned);
    let cancel = back.clone().unwrap_or_else(|| "/appointments".to_owned());
    let hidden = back.map_or_else(Values::default, |back| Values::default().with("back", back));
    let words = options
        .customer
        .as_ref()
        .map(|(_, name)| name.clone())
        .unwrap_or_default();
    view! {
        <DoorForm form=Form::BookAppointment mint=true values hidden class="form">
            <Combobox
                name="customer"
                label="Customer"
                words
                finding=use_finding(None)
                hint="For whom it is; without one, say below what it is about."
            />
            <Inputs types=options.types staff=options.staff zone=options.zone except=String::new()/>
            <Send words="Book" cancel/>
        </DoorForm>
    }
    .into_any()
}

#[component]
fn All() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    // Not loaded again when something else is written: what is typed here would be lost.
    let appointment = Loaded::new(move || id.get(), api::get_appointment);
    let options = Loaded::new(|| (), |()| api::get_booking_options(None));
    let form = move || async move {
        let again = format!("/appointments/{}/edit", id.get_untracked());
        match awaited(async move { (appointment.await, options.await) }).await {
            (Ok(appointment), Ok(options)) if may_edit(&appointment) => edit_form(&appointment, options),
            (Ok(_), Ok(_)) => {
                let fault = respond(AppError::Forbidden);
                view! { <MissingRecord fault again above=to_calendar() what="Appointment"/> }.into_any()
            }
            (Err(fault), _) | (_, Err(fault)) => {
                view! { <MissingRecord fault again above=to_calendar() what="Appointment"/> }.into_any()
            }
        }
    };
    view! {
        <main class="main grow">
            {waiting(bones::<8>, form)}
        </main>
    }
    .into_any()
}

fn may_edit(appointment: &Appointment) -> bool {
    appointment.may_update && !appointment.deleted && appointment.status != Status::Cancelled
}

fn edit_form(appointment: &Appointment, options: BookingOptions) -> AnyView {
    let (id, version) = (appointment.id, appointment.version);
    let page = format!("/appointments/{id}");
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut ids: Vec<String> = appointment
        .staff
        .iter()
        .map(|staff| staff.id.to_string())
        .collect();
    // In the order of the boxes, as the browser sends them.
    let staff = with_those_who_keep_it(options.staff, &appointment.staff);
    ids.sort_by_key(|id| staff.iter().position(|staff| staff.id.to_string() == *id));
    let values = Values::default()
        .with("type", appointment.kind.id.to_string())
        .with("title", text(&appointment.title))
        .with("place", text(&appointment.place))
        .with("notes", text(&appointment.notes))
        .with("date", appointment.from.day.to_string())
        .with("time", clock(appointment.from.minute))
        .with("minutes", appointment.minutes.to_string())
        .with("staff", ids.join("\n"));
    let mut types = options.types;
    if !types.iter().any(|kind| kind.id == appointment.kind.id) {
        types.push(appointment.kind.clone());
    }
    let name = appointment.name().to_owned();
    view! {
        <Title text=format!("Edit {name}")/>
        <div class="bar">
            <Crumbs above=vec![to_calendar(), (page.clone(), name)] here="Edit"/>
        </div>
        <div class="scroll">
            <div class="page">
                <DoorForm form=Form::EditAppointment(id) values seen=version class="form">
                    <Inputs types staff zone=options.zone except=id.to_string()/>
                    <Send words="Save changes" cancel=page/>
                </DoorForm>
            </div>
        </div>
    }
    .into_any()
}

/// Those who can be chosen, and those who keep it already.
fn with_those_who_keep_it(mut staff: Vec<Staff>, keepers: &[Staff]) -> Vec<Staff> {
    for keeper in keepers {
        if !staff.contains(keeper) {
            staff.push(keeper.clone());
        }
    }
    staff
}

/// The fields that both forms share.
#[component]
fn Inputs(types: Vec<AppointmentType>, staff: Vec<Staff>, zone: String, except: String) -> impl IntoView {
    let picks: Vec<Pick> = types
        .iter()
        .map(|kind| (kind.id.to_string(), kind.name.clone()))
        .collect();
    // A type brings its usual length along.
    let lengths = StoredValue::new(types);
    let on_type = move |event: ev::Event| {
        let Some(select) = event
            .target()
            .and_then(|select| select.dyn_into::<web_sys::HtmlSelectElement>().ok())
        else {
            return;
        };
        let minutes = lengths.with_value(|types| {
            let chosen = types.iter().find(|kind| kind.id.to_string() == select.value());
            chosen.map(|kind| kind.minutes)
        });
        if let (Some(minutes), Some(form)) = (minutes, select.form()) {
            fill(&form, "minutes", &minutes.to_string());
        }
    };
    view! {
        <Field name="title" label="About"/>
        <div class="pair">
            <Select name="type" label="Type" options=picks on:change=on_type/>
            <Field name="minutes" label="Minutes" kind="number" required=true/>
        </div>
        <div class="pair">
            <Field name="date" label="Date" kind="date" required=true/>
            <Field name="time" label="Time" kind="time" required=true/>
        </div>
        <Which/>
        <p class="hint sm faint">{format!("By your clock: {}.", zone.replace('_', " "))}</p>
        <People staff/>
        <FreeTimes except/>
        <Field name="place" label="Where" hint="A place, or a link."/>
        <TextArea name="notes" label="Notes"/>
    }
    .into_any()
}

/// Which of two equal times is meant: asked only when it was asked for.
#[component]
fn Which() -> impl IntoView {
    let state = use_field("fold");
    let (error, chosen) = (state.error, !state.value.is_empty());
    let asked = Memo::new(move |asked: Option<&bool>| {
        asked.copied().unwrap_or(chosen) || error.with(Option::is_some)
    });
    move || {
        asked.get().then(|| {
            let options = [
                ("", "Please choose"),
                ("first", "The first, before the clock is put back"),
                ("second", "The second"),
            ];
            let options = options.map(|(key, words)| (key.to_owned(), words.to_owned()));
            view! { <Select name="fold" label="Which of the two" options=options.to_vec()/> }
        })
    }
}

/// Who keeps it: a box for each.
#[component]
fn People(staff: Vec<Staff>) -> impl IntoView {
    let state = use_field("staff");
    let (error, conflict) = (state.error, state.conflict);
    let chosen: Vec<String> = state.value.lines().map(str::to_owned).collect();
    let boxes = staff.into_iter().map(|staff| {
        let id = staff.id.to_string();
        let on = chosen.contains(&id);
        view! {
            <label class="check">
                <input type="checkbox" name="staff" value=id checked=on/>
                {staff.name}
            </label>
        }
    });
    let error_id = format!("{}-error", state.id);
    view! {
        <fieldset class="checks" aria-describedby=error_id tabindex="-1" aria-invalid=move || error.with(Option::is_some).then_some("true")>
            <legend>"Who"</legend>
            {boxes.collect_view()}
            <div id=error_id.clone() class="w-full" aria-live="polite">
                {move || error.get().map(|said| view! { <p class="wrong">{said}</p> })}
                {move || {
                    conflict
                        .get()
                        .map(|conflict| view! { <kit::ui::field::PickOne conflict name="pick.staff"/> })
                }}
            </div>
        </fieldset>
    }
    .into_any()
}

/// Finds times at which all who were chosen are free, and fills one in.
#[component]
fn FreeTimes(except: String) -> impl IntoView {
    let time = use_field("time");
    let found = RwSignal::new(None::<Result<Vec<FreeTime>, String>>);
    let node = NodeRef::<leptos::html::Div>::new();
    let form_of = move || {
        node.get_untracked()
            .and_then(|node| node.closest("form").ok().flatten())
            .and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok())
    };
    let except = StoredValue::new(except);
    let look = move || {
        let Some(form) = form_of() else { return };
        let values = values_of(&form);
        let get = |field: &str| values.get(field).to_owned();
        let (staff, day, minutes) = (get("staff"), get("date"), get("minutes"));
        let except = except.get_value();
        spawn_local(async move {
            let answer = api::free_times(staff, day, minutes, except).await;
            let _ = found.try_set(Some(answer.map_err(|fault| kit::door::toasts::sentence(&fault))));
        });
    };
    // After a clash the times are there at once.
    Effect::new(move || {
        if time.error.get().is_some_and(|said| said.contains("Free next:")) {
            look();
        }
    });
    let alive = RwSignal::new(false);
    Effect::new(move || alive.set(true));
    let choose = move |free: FreeTime| {
        if let Some(form) = form_of() {
            fill(&form, "date", &free.from.day.to_string());
            fill(&form, "time", &clock(free.from.minute));
        }
    };
    let times = move || {
        found.get().map(|found| match found {
            Ok(times) if times.is_empty() => {
                view! { <p class="faint">"Nothing is free in the two weeks from that day on."</p> }.into_any()
            }
            Ok(times) => times
                .into_iter()
                .map(|free| {
                    view! {
                        <button class="btn" type="button" on:click=move |_| choose(free)>
                            <span class="num">{free.from.to_string()}</span>
                        </button>
                    }
                })
                .collect_view()
                .into_any(),
            Err(said) => view! { <p class="wrong">{said}</p> }.into_any(),
        })
    };
    view! {
        <div node_ref=node>
            <Show when=move || alive.get()>
                <div class="acts" aria-live="polite">
                    <Button icon=icondata::LuCalendarSearch on:click=move |_| look()>"Find a time"</Button>
                    {times}
                </div>
            </Show>
        </div>
    }
    .into_any()
}

/// Puts a value into a field of a form.
fn fill(form: &web_sys::HtmlFormElement, name: &str, value: &str) {
    let found = dom::first(form, &format!("input[name={name}]"));
    if let Some(input) = found.and_then(|input| input.dyn_into::<web_sys::HtmlInputElement>().ok()) {
        input.set_value(value);
    }
}

#[component]
fn Send(words: &'static str, cancel: String) -> impl IntoView {
    let busy = use_form().map(|form| form.pending).unwrap_or_default();
    view! {
        <div class="acts">
            <Button kind="submit" weight=Weight::Main tall=true busy>
                {words}
            </Button>
            <LinkButton href=cancel weight=Weight::Quiet>"Cancel"</LinkButton>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::id::{UserId, uuid_v7};

    fn user(n: u8) -> UserId {
        UserId(uuid_v7(1, [n; 10]))
    }

    fn options() -> BookingOptions {
        BookingOptions {
            types: Vec::new(),
            staff: [1, 2, 3]
                .map(|n| Staff {
                    id: user(n),
                    name: String::new(),
                })
                .to_vec(),
            zone: "UTC".to_owned(),
            today: "2026-11-27".parse().unwrap(),
            soon: 630,
            me: Some(user(1)),
            customer: None,
        }
    }

    #[test]
    fn a_new_form_starts_with_what_the_address_names() {
        let search = format!(
            "?date=2026-12-01&time=09:15&minutes=45&staff={},{},x",
            user(2),
            user(3)
        );
        let values = new_values(&search, &options());
        assert_eq!(values.get("date"), "2026-12-01");
        assert_eq!(values.get("time"), "09:15");
        assert_eq!(values.get("minutes"), "45");
        assert_eq!(values.get("staff"), format!("{}\n{}", user(2), user(3)));
        let plain = new_values("", &options());
        assert_eq!((plain.get("date"), plain.get("time")), ("2026-11-27", "10:30"));
        // Who cannot be booked for is left out; then it is the viewer's.
        let far = new_values(&format!("?staff={}", user(9)), &options());
        assert_eq!(far.get("staff"), user(1).to_string());
    }
}
