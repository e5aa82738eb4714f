"use strict";
// Shows what the server says and asks it to act; it decides nothing itself. All text is set as text, never as HTML.

const $ = (selector) => document.querySelector(selector);
let world = null;
let editing = null;

function make(tag, fields = {}, ...children) {
  const node = Object.assign(document.createElement(tag), fields);
  node.append(...children.filter((child) => child !== null));
  return node;
}

async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error || `${answer.status} ${answer.statusText}`);
  return said;
}

function tell(text, wrong = false) {
  $("#status").textContent = text;
  $("#status").classList.toggle("wrong", wrong);
}

async function act(path, body, done = "") {
  try {
    const said = await ask(path, body);
    tell(said.said || done);
    return said;
  } catch (error) {
    tell(error.message, true);
    return null;
  } finally {
    await refresh().catch(() => {});
  }
}

// Chats

function bubble(person, message) {
  const mine = person.speaks.includes(message.from);
  const notes = [message.clock, message.edited ? "edited" : "", message.status || ""].filter(Boolean).join(" · ");
  const box = make("div", {}, message.who && !mine ? make("span", { className: "who", textContent: message.who + "\n" }) : null);
  box.append(message.text, make("small", { textContent: notes }));
  const node = make("div", { className: mine ? "bubble mine" : "bubble" }, box);
  if (message.keys.length) {
    const keys = make("div", { className: "keys" });
    for (const line of message.keys) {
      const row = make("div", { className: "line" });
      for (const key of line) row.append(oneKey(person, message, key));
      keys.append(row);
    }
    node.append(keys);
  }
  return node;
}

function oneKey(person, message, key) {
  if (key.url) return make("a", { href: key.url, textContent: key.title, target: "_blank", rel: "noreferrer" });
  const button = make("button", { type: "button", textContent: key.title });
  button.addEventListener("click", () => act(key.path, key.body));
  return button;
}

function phone(person) {
  const talk = make("div", { className: "talk", tabIndex: 0, ariaLabel: `Messages of ${person.name}` });
  if (!person.messages.length) talk.append(make("p", { className: "empty", textContent: "Nothing here yet." }));
  for (const message of person.messages) talk.append(bubble(person, message));
  const input = make("input", { type: "text", placeholder: "Message", ariaLabel: `Write as ${person.name}`, maxLength: 1000 });
  const say = make("form", { className: "say" }, input, make("button", { textContent: "Send" }));
  say.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) act(person.says, { ...person.says_with, text: input.value });
    input.value = "";
  });
  const tools = make("div", { className: "tools" });
  for (const tool of person.tools) {
    const button = make("button", { type: "button", textContent: tool.title });
    button.addEventListener("click", () => act(tool.path, tool.body));
    tools.append(button);
  }
  const head = make("h2", {}, person.name, make("small", { textContent: person.note }));
  const node = make("article", { className: `phone ${person.platform}`, id: `phone-${person.id}` }, head, talk, say, tools);
  node.dataset.view = person.id;
  return node;
}

function showPhones() {
  const area = $("#phones");
  for (const person of world.people) {
    const old = $(`#phone-${person.id}`);
    const print = JSON.stringify([person.messages, person.tools]);
    if (old && old.dataset.print === print) continue;
    const typed = old ? old.querySelector("input").value : "";
    const focused = old && old.contains(document.activeElement) && document.activeElement.tagName === "INPUT";
    const fresh = phone(person);
    fresh.dataset.print = print;
    fresh.classList.toggle("shown", view === person.id);
    if (old) old.replaceWith(fresh); else area.append(fresh);
    fresh.querySelector("input").value = typed;
    if (focused) fresh.querySelector("input").focus();
    const talk = fresh.querySelector(".talk");
    talk.scrollTop = talk.scrollHeight;
  }
}

// Bookings

function planLine(row) {
  const what = make("span", { className: row.tone }, row.title);
  if (row.why) what.append(make("span", { className: "why", textContent: ` — ${row.why}` }));
  return make("li", {}, make("time", { textContent: row.when }), what);
}

function visit(booking) {
  const tag = make("span", { className: `tag ${booking.status}`, textContent: booking.state });
  const buttons = make("div", { className: "row" });
  for (const tool of booking.tools) {
    const button = make("button", { type: "button", textContent: tool.title });
    button.addEventListener("click", () => (tool.edit ? edit(booking) : act(tool.path, tool.body, "Done")));
    buttons.append(button);
  }
  const plan = make("ol", { className: "plan" }, ...booking.plan.map(planLine));
  const head = make("h3", {}, make("span", { textContent: booking.title }), tag);
  return make("article", { className: "card visit" }, head, make("p", { textContent: booking.note }), buttons, plan);
}

function edit(booking) {
  editing = booking.id;
  const form = $("#form");
  form.elements.client.value = booking.form.client;
  form.elements.master.value = booking.form.master;
  form.elements.day.value = booking.form.day;
  form.elements.time.value = booking.form.time;
  for (const box of form.querySelectorAll("[name=service]")) box.checked = booking.form.services.includes(box.value);
  $("#form-title").textContent = `Change ${booking.id}`;
  $("#save").textContent = "Save the change";
  $("#reset").hidden = false;
  form.scrollIntoView({ behavior: "smooth", block: "start" });
}

function fresh() {
  editing = null;
  $("#form-title").textContent = "New booking";
  $("#save").textContent = "Book";
  $("#reset").hidden = true;
  if (world) {
    $("#form").elements.day.value = world.suggest.day;
    $("#form").elements.time.value = world.suggest.time;
  }
}

function fillForm() {
  const form = $("#form");
  if (form.elements.client.options.length) return;
  form.elements.client.append(...world.clients.map((one) => make("option", { value: one.id, textContent: one.name })));
  form.elements.master.append(...world.masters.map((one) => make("option", { value: one.id, textContent: one.name })));
  for (const [place, one] of world.services.entries()) {
    const box = make("input", { type: "checkbox", name: "service", value: one.id, checked: place === 0 });
    $("#services").append(make("label", {}, box, ` ${one.name}`));
  }
  fresh();
}

$("#form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target.elements;
  const services = [...event.target.querySelectorAll("[name=service]:checked")].map((box) => box.value);
  const wanted = { id: editing, client: form.client.value, master: form.master.value, services,
    day: form.day.value, time: form.time.value, by_client: form.by_client.checked };
  if (await act("/play/bookings", wanted, "Booked")) fresh();
});
$("#reset").addEventListener("click", fresh);

// The clock, the tabs, and following live

for (const button of document.querySelectorAll("[data-move]")) {
  button.addEventListener("click", async () => {
    const all = document.querySelectorAll("[data-move]");
    all.forEach((one) => (one.disabled = true));
    tell("The clock is moving…");
    const cuts = world.cuts;
    const said = await act("/play/clock", { to: button.dataset.move });
    if (said && button.dataset.move === "outage") {
      while (world.cuts === cuts) {
        await new Promise((done) => setTimeout(done, 300));
        await refresh().catch(() => {});
      }
      tell("The power was off for 26 hours. What came too late was dropped, visibly.");
    }
    all.forEach((one) => (one.disabled = false));
  });
}

let view = "bookings";
function showTabs() {
  $("#bookings").dataset.view = "bookings";
  const tabs = [["bookings", "Bookings"], ...world.people.map((person) => [person.id, person.tab])];
  $("#tabs").replaceChildren(...tabs.map(([id, title]) => {
    const tab = make("button", { type: "button", textContent: title });
    tab.setAttribute("aria-current", String(id === view));
    tab.addEventListener("click", () => { view = id; showTabs(); });
    return tab;
  }));
  for (const part of document.querySelectorAll("[data-view]")) part.classList.toggle("shown", part.dataset.view === view);
}

let refreshing = null;
let again = false;
async function refresh() {
  if (refreshing) { again = true; return refreshing; }
  refreshing = (async () => {
    do {
      again = false;
      const answer = await fetch("/play/state");
      if (!answer.ok) break;
      world = await answer.json();
      $("#clock-time").textContent = world.clock.time;
      $("#clock-day").textContent = world.clock.day;
      fillForm();
      showPhones();
      $("#list").replaceChildren(...world.bookings.map(visit));
      if (!$("#tabs").childElementCount) showTabs();
      document.body.dataset.version = world.version;
    } while (again);
  })().finally(() => { refreshing = null; });
  return refreshing;
}

// While the power is off nobody answers; the stream says when somebody does again.
const follow = () => refresh().catch(() => {});
const live = new EventSource("/play/live");
live.onmessage = follow;
live.onerror = () => tell("Waiting for the service…");
live.onopen = () => { if ($("#status").textContent === "Waiting for the service…") tell(""); follow(); };
follow();
