% signs = {"admitted": "M4 13l5 5L20 6", "already": "M5 5l14 14M19 5L5 19", "not-valid": "M5 5l14 14M19 5L5 19", "no-such-order": "M5 5l14 14M19 5L5 19", "unreadable": "M5 5l14 14M19 5L5 19", "mistyped": "M5 5l14 14M19 5L5 19", "ambiguous": "M12 4v10M12 19v.5", "no-door": "M12 4v10M12 19v.5", "damaged": "M12 4v10M12 19v.5", "no-answer": "M12 4v10M12 19v.5", "ready": "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4"}
% rebase("page-layout", heading=say("checkin.title") if result.kind == "ready" else say("checkin.title-of", result=say(f"checkin.{result.kind}")), here="check-in", script="check-in.js")
<div class="door">
<h1>{{say("checkin.name")}}</h1>
<div id="result" role="status" aria-live="assertive" aria-atomic="true">
% include("check-in-result", shown=result, signs=signs)
</div>
% if result.kind == "no-answer":
<form class="again" id="again" method="post" action="/operator/check-in">
  <input type="hidden" name="csrf" value="{{visit.session.csrf}}">
  <input type="hidden" name="scan" value="{{scan.id}}">
  <input type="hidden" name="door" value="{{scan.door}}">
  <input type="hidden" name="order" value="{{scan.text}}">
  <button class="main">{{say("checkin.again")}}</button>
</form>
% end
<template id="ready">
% include("check-in-result", shown=ready, signs=signs)
</template>
<template id="unanswered">
% include("check-in-result", shown=unanswered, signs=signs)
</template>
<section class="camera" id="camera" hidden aria-label="{{say("checkin.camera")}}">
  <video id="view" muted playsinline hidden aria-label="{{say("checkin.view")}}"></video>
  <p class="hint" id="why" role="status" data-none="{{say("checkin.camera-none")}}" data-insecure="{{say("checkin.camera-insecure")}}" data-denied="{{say("checkin.camera-denied")}}" data-broken="{{say("checkin.camera-broken")}}"></p>
  <button type="button" id="look" data-start="{{say("checkin.start")}}" data-stop="{{say("checkin.stop")}}">{{say("checkin.start")}}</button>
</section>
<form class="sheet" id="scan" method="post" action="/operator/check-in">
  <input type="hidden" name="csrf" value="{{visit.session.csrf}}">
  <input type="hidden" name="scan" value="{{next_scan}}">
  <label for="order">{{say("checkin.order")}}</label>
  <input id="order" name="order" required maxlength="400" autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="go"{{!"" if result.kind == "no-door" else " autofocus"}} aria-describedby="how"{{!' aria-invalid="true"' if result.kind in ("unreadable", "mistyped") else ""}} value="{{scan.text if result.kind in ("unreadable", "mistyped", "ambiguous", "no-door") else ""}}">
  <p class="hint" id="how">{{say("checkin.how")}}</p>
  <label for="door">{{say("checkin.door")}}</label>
  <input id="door" name="door" required maxlength="64" autocomplete="off"{{!' autofocus aria-invalid="true"' if result.kind == "no-door" else ""}} value="{{scan.door}}" aria-describedby="remembered">
  <p class="hint" id="remembered">{{say("checkin.remembered")}}</p>
  <button class="main">{{say("checkin.check")}}</button>
</form>
</div>
