// Ticks the clocks between two words from the server, and asks for what changed. Without it every page is right when
// loaded and says the due instant. Nothing here decides anything: duty time and speed come from the server.
"use strict";
(() => {
  const live = document.body.dataset.live;
  if (!live) return;
  const thresholds = [86400, 43200, 21600, 7200, 1800, 0];
  let base = null; // duty time in milliseconds, the page's own reading at that moment, and the speed
  let wait = null;

  const two = (n) => String(n).padStart(2, "0");
  const words = (seconds) => {
    const s = Math.abs(seconds);
    return (seconds < 0 ? "\u2212" : "") + two(Math.floor(s / 3600)) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(s % 60);
  };
  const dutyNow = () => base.now + (performance.now() - base.at) * base.speed;

  const announce = (text) => {
    const region = document.getElementById("announce");
    if (region) region.textContent = text;
  };
  const spoken = (seconds) => {
    if (seconds <= 0) return "overdue";
    return seconds >= 3600 ? seconds / 3600 + " hours left" : seconds / 60 + " minutes left";
  };

  function tick() {
    if (!base) return;
    const now = dutyNow();
    for (const timer of document.querySelectorAll("[role=timer][data-due]")) {
      const left = Math.floor((Number(timer.dataset.due) - now) / 1000);
      const text = words(left);
      if (timer.textContent !== text) timer.textContent = text;
      const before = Number(timer.dataset.left);
      if (timer.dataset.left !== undefined && timer.dataset.what) {
        const crossed = thresholds.find((t) => before > t && left <= t);
        if (crossed !== undefined) announce(timer.dataset.what + ": " + spoken(crossed));
      }
      timer.dataset.left = left;
    }
  }
  setInterval(tick, 250);

  // Replaces a part of the page, but never under somebody's hands, and without closing what they opened.
  async function refresh(part) {
    if (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return;
    const answer = await fetch(part.dataset.fragment, { headers: { "X-Fragment": "1" }, credentials: "same-origin" });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) return;
    const html = await answer.text();
    const open = [...part.querySelectorAll("details[open][id]")].map((d) => d.id);
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const path = focused ? (focused.id ? "#" + CSS.escape(focused.id) : focused.getAttribute("href") && `[href="${CSS.escape(focused.getAttribute("href"))}"]`) : null;
    part.innerHTML = html;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (path) part.querySelector(path)?.focus();
    tick();
  }
  function changed() {
    if (wait) return;
    wait = setTimeout(async () => {
      wait = null;
      for (const part of document.querySelectorAll("[data-fragment]")) {
        try { await refresh(part); } catch { /* the next word from the server tries again */ }
      }
    }, 300);
  }

  const lost = (is) => { const note = document.getElementById("not-live"); if (note) note.hidden = !is; };
  let version = null;
  function listen() {
    const source = new EventSource(live);
    const heard = (event) => {
      const word = JSON.parse(event.data);
      base = { now: word.now, at: performance.now(), speed: word.speed };
      lost(false);
      tick();
      if (version !== null && version !== word.version) changed();
      version = word.version;
    };
    source.addEventListener("change", heard);
    source.addEventListener("time", heard);
    source.onerror = () => {
      lost(true);
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    };
  }
  listen();
})();
