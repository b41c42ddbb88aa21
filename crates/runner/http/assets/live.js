// What pages gain from a script: times in the viewer's zone, and news as they come. Without it everything can be read.
"use strict";

function tellTimes(root) {
  const near = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (isNaN(at)) continue;
    time.title = time.textContent.includes("UTC") ? time.textContent : time.title;
    time.textContent = near.format(at);
  }
}

function copyButtons(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = "Copied";
      } catch {
        // Over plain http there is no clipboard: it is selected, and the person copies it.
        getSelection().selectAllChildren(button.previousElementSibling);
        button.textContent = "Now press Ctrl+C";
      }
    });
  }
}

function busy(main) {
  const at = document.activeElement;
  if (at && main.contains(at) && /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName)) return true;
  const changed = (one) => one.type === "checkbox" ? one.checked !== one.defaultChecked : "defaultValue" in one && one.value !== one.defaultValue;
  return [...main.querySelectorAll("input, textarea")].some(changed) || String(getSelection()) !== "";
}

/** Takes over the page as it is now; false while somebody writes or selects in it. */
async function look() {
  const main = document.getElementById("main");
  if (document.hidden) return true;
  if (busy(main)) return false;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return true;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = page.getElementById("main");
  if (!next || busy(main)) return false;
  tellTimes(next);
  // What was opened stays open.
  const open = new Set();
  main.querySelectorAll("details").forEach((one, place) => { if (one.open) open.add(place); });
  next.querySelectorAll("details").forEach((one, place) => { if (open.has(place)) one.open = true; });
  const focused = document.activeElement && document.activeElement.getAttribute("href");
  main.replaceChildren(...next.childNodes);
  copyButtons(main);
  if (focused) main.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  if (!page.body.hasAttribute("data-live")) delete document.body.dataset.live;
  return true;
}

function listen() {
  let soon = 0;
  const later = (wait) => {
    if (soon || !("live" in document.body.dataset)) return;
    soon = setTimeout(async () => {
      soon = 0;
      if (!await look().catch(() => false)) later(2000);
    }, wait);
  };
  const own = /^\/jobs\/(\d+)$/.exec(location.pathname);
  const news = new EventSource("/api/v1/events");
  news.addEventListener("job", (event) => {
    if (!own || JSON.parse(event.data).job === Number(own[1])) later(250);
  });
  news.addEventListener("missed", () => later(250));
  // What happened after the page was made and before anything was heard is seen here.
  news.addEventListener("open", () => later(0));
  document.addEventListener("visibilitychange", () => later(0));
}

tellTimes(document);
copyButtons(document);
if ("live" in document.body.dataset) listen();
