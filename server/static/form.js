// Small helps for forms: "now" buttons, drafts that save themselves, and who would be told as it is typed. Every form
// works without it.
"use strict";
(() => {
  const summary = document.querySelector("[data-focus]");
  if (summary) summary.focus();

  // "Now" beside dates that may be now: the instant as the server shows it.
  for (const group of document.querySelectorAll("[data-when]")) {
    const form = group.closest("form[data-now]");
    if (!form) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button secondary";
    button.textContent = "Now";
    button.setAttribute("aria-label", "Set to now: " + (group.closest("fieldset").querySelector("legend")?.textContent ?? ""));
    button.addEventListener("click", async () => {
      const answer = await fetch(form.dataset.now, { credentials: "same-origin" });
      if (!answer.ok) return;
      const now = await answer.json();
      for (const part of ["day", "month", "year", "time"]) {
        const input = group.querySelector("#" + CSS.escape(group.dataset.when + "-" + part));
        if (input) input.value = now[part];
      }
      form.dispatchEvent(new Event("input", { bubbles: true }));
    });
    group.append(button);
  }

  // A form that was sent is not sent again by a second press.
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "1";
      setTimeout(() => { delete form.dataset.sent; }, 4000);
    });
  }

  // One button per answer to be carried over; without script the text can be marked in its field.
  for (const field of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button secondary";
    button.textContent = "Copy";
    const label = field.labels?.[0]?.textContent ?? "";
    button.setAttribute("aria-label", "Copy: " + label);
    button.addEventListener("click", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        document.execCommand("copy");
      }
      for (const other of document.querySelectorAll("[data-copied]")) { other.textContent = "Copy"; delete other.dataset.copied; }
      button.textContent = "Copied";
      button.dataset.copied = "1";
      const said = document.getElementById("copied");
      if (said) said.textContent = "Copied: " + label;
    });
    field.after(" ", button);
  }

  const form = document.querySelector("form[data-draft]");
  if (!form) return;
  const post = (url) => fetch(url, { method: "POST", body: new URLSearchParams(new FormData(form)), credentials: "same-origin" });
  const note = document.getElementById("draft-note");
  const told = document.getElementById("told");
  let saving = null, looking = null, sent = false;
  // What is sent is saved: no draft of it may follow. Whoever leaves in the pause after a keystroke loses nothing.
  form.addEventListener("submit", () => { sent = true; clearTimeout(saving); saving = null; });
  addEventListener("pageshow", () => { sent = false; });
  addEventListener("pagehide", () => {
    if (sent || saving === null) return;
    clearTimeout(saving);
    saving = null;
    navigator.sendBeacon(form.dataset.draft, new URLSearchParams(new FormData(form)));
  });
  form.addEventListener("input", () => {
    clearTimeout(saving);
    saving = setTimeout(async () => {
      saving = null;
      try {
        const answer = await post(form.dataset.draft);
        if (note) note.textContent = answer.ok ? await answer.text() : "This draft is not saved yet. Keep this page open.";
      } catch {
        if (note) note.textContent = "This draft is not saved yet. Keep this page open.";
      }
    }, 1500);
    if (!form.dataset.told) return;
    clearTimeout(looking);
    looking = setTimeout(async () => {
      try {
        const answer = await post(form.dataset.told);
        if (answer.ok && told) told.innerHTML = await answer.text();
      } catch { /* the button without script does the same */ }
    }, 500);
  });
})();
