"use strict";
const page = document.documentElement;
if ((navigator.language || "").toLowerCase().startsWith("zh")) page.lang = "zh";
document.getElementById("language").addEventListener("click", () => { page.lang = page.lang === "zh" ? "en" : "zh"; });
// A clip is not touched until it comes into view: there may be hundreds.
const near = new IntersectionObserver((seen) => seen.forEach((each) => {
  if (each.isIntersecting) { each.target.preload = "metadata"; near.unobserve(each.target); }
}));
document.querySelectorAll("video, audio").forEach((player) => near.observe(player));
// Errors of media do not bubble, so they are caught on the way down.
document.addEventListener("error", (event) => {
  const said = event.target.parentElement && event.target.parentElement.querySelector(".cannot");
  if (said) said.hidden = false;
}, true);
