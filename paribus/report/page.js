"use strict";
// Printing shows everything; a link to something inside a closed part opens that part first.
addEventListener("beforeprint", function () {
  document.querySelectorAll("details").forEach(function (part) { part.open = true; });
});
function reveal() {
  var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (var part = target; part; part = part.parentElement) {
    if (part.tagName === "DETAILS") { part.open = true; }
  }
}
addEventListener("hashchange", reveal);
reveal();
// One slider a scene wipes from truth to prediction to errors in all of its tiles; without script they stand side by side.
document.querySelectorAll(".scene").forEach(function (scene) {
  var slider = scene.querySelector("input"), stops = Array.from(scene.querySelectorAll(".stops button"));
  if (!slider) { return; }
  function show() {
    var at = Number(slider.value) / 100, low = Math.floor(at), rest = Math.round(100 * (at - low));
    scene.querySelectorAll(".layers").forEach(function (layers) {
      Array.from(layers.children).forEach(function (layer, k) {
        var part = Math.min(Math.max(at - k + 1, 0), 1);
        layer.style.clipPath = "inset(0 " + 100 * (1 - part) + "% 0 0)";
      });
      layers.style.setProperty("--edge", rest + "%");
      layers.style.setProperty("--moving", rest ? 1 : 0);
    });
    stops.forEach(function (stop, k) { stop.classList.toggle("at", !rest && k === low); });
    var name = stops[low].textContent;
    slider.setAttribute("aria-valuetext", rest ? name + ", then " + stops[low + 1].textContent + " on " + rest + " %" : name);
  }
  slider.addEventListener("input", show);
  stops.forEach(function (stop) {
    stop.addEventListener("click", function () { slider.value = stop.value; show(); });
  });
  scene.classList.add("live");
  show();
});
