"use strict";
// Every page works without this: it only saves a reload or a few letters.

// A page that is live fetches itself anew while somebody looks at it.
const live = document.querySelector("[data-live]");
if (live) {
  setInterval(async () => {
    if (document.hidden || live.contains(document.activeElement)) return;
    try {
      const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(live.id);
      if (fresh && fresh.innerHTML !== live.innerHTML) live.replaceChildren(...fresh.childNodes);
    } catch {
      // The next round tries again.
    }
  }, Number(live.dataset.live) * 1000);
}

// A variable goes in where the cursor stands.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  const area = button && document.getElementById(button.dataset.into);
  if (!area) return;
  event.preventDefault();
  area.setRangeText(button.dataset.insert, area.selectionStart, area.selectionEnd, "end");
  area.focus();
});

// The text of a message is copied by one press.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button || !navigator.clipboard) return;
  event.preventDefault();
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.classList.add("done");
});
for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;

// A text is shown as it will look while it is written.
for (const form of document.querySelectorAll("form[data-preview]")) {
  let waiting = 0;
  const look = async () => {
    const body = new URLSearchParams(new FormData(form));
    body.set("do", "look");
    const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("preview");
    const old = document.getElementById("preview");
    if (fresh && !old.contains(document.activeElement)) old.replaceChildren(...fresh.childNodes);
    else if (fresh) old.querySelector(".looks").replaceWith(fresh.querySelector(".looks"));
  };
  for (const event of ["input", "change", "click"])
    form.addEventListener(event, (what) => {
      if (event === "click" && !what.target.closest("[data-insert]")) return;
      clearTimeout(waiting);
      waiting = setTimeout(look, 400);
    });
}

// A filter that is chosen is applied.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-at-once]");
  if (form) form.requestSubmit();
});
