% signs = {"admitted": "M4 13l5 5L20 6", "already": "M5 5l14 14M19 5L5 19", "not-valid": "M5 5l14 14M19 5L5 19", "no-such-order": "M5 5l14 14M19 5L5 19", "unreadable": "M5 5l14 14M19 5L5 19", "mistyped": "M5 5l14 14M19 5L5 19", "ambiguous": "M12 4v10M12 19v.5", "no-door": "M12 4v10M12 19v.5", "damaged": "M12 4v10M12 19v.5", "no-answer": "M12 4v10M12 19v.5", "ready": "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4"}
% signs |= {"undone": "M9 5L4 10l5 5M4 10h10a5 5 0 0 1 0 10h-3", "wrong-event": signs["already"], "wrong-type": signs["already"], "undo-too-late": signs["already"]}
% rebase("page-layout", heading=say("checkin.title") if result.kind == "ready" else say("checkin.title-of", result=say(f"checkin.{result.kind}")), here="check-in", script="check-in.js")
<div class="door">
<div class="caption"><h1>{{event.title if event else say("checkin.name")}}</h1>
<p class="count" id="count" data-event="{{scan.event}}">{{admitted}}</p></div>
<div id="result" role="status" aria-live="assertive" aria-atomic="true">
% include("check-in-result", shown=result, signs=signs)
</div>
<div id="last">
% if result.kind == "admitted":
<form class="last" method="post" action="/operator/check-in/undo">
% include("check-in-bound", scan=scan, id=next_scan)
  <input type="hidden" name="order" value="{{result.order.code or result.order.number}}">
  <p>{{say("checkin.last", buyer=result.order.buyer, count=result.order.quantity, type=result.type)}}</p>
  <button>{{say("checkin.undo")}}</button>
</form>
% end
</div>
% if result.kind == "no-answer":
<form class="again" id="again" method="post" action="/operator/check-in{{"/undo" if undoes else ""}}">
% include("check-in-bound", scan=scan, id=scan.id)
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
<section class="camera" id="camera" hidden data-decoder="{{asset("jsqr.js")}}" aria-label="{{say("checkin.camera")}}">
  <video id="view" muted playsinline hidden aria-label="{{say("checkin.view")}}"></video>
  <p class="hint" id="why" role="status" data-none="{{say("checkin.camera-none")}}" data-insecure="{{say("checkin.camera-insecure")}}" data-denied="{{say("checkin.camera-denied")}}" data-broken="{{say("checkin.camera-broken")}}"></p>
  <button type="button" id="look" data-start="{{say("checkin.start")}}" data-stop="{{say("checkin.stop")}}">{{say("checkin.start")}}</button>
</section>
<form class="sheet" id="scan" method="post" action="/operator/check-in">
  <input type="hidden" name="csrf" value="{{visit.session.csrf}}">
  <input type="hidden" name="scan" value="{{next_scan}}">
  <input type="hidden" name="event" value="{{scan.event}}">
  <input type="hidden" name="types" value="{{",".join(scan.types)}}">
  <label for="order">{{say("checkin.order")}}</label>
  <input id="order" name="order" required maxlength="400" autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="go"{{!"" if result.kind == "no-door" else " autofocus"}} aria-describedby="how"{{!' aria-invalid="true"' if result.kind in ("unreadable", "mistyped") else ""}} value="{{scan.text if result.kind in ("unreadable", "mistyped", "ambiguous", "no-door") else ""}}">
  <p class="hint" id="how">{{say("checkin.how")}}</p>
  <label for="door">{{say("checkin.door")}}</label>
  <input id="door" name="door" required maxlength="64" autocomplete="off"{{!' autofocus aria-invalid="true"' if result.kind == "no-door" else ""}} value="{{scan.door}}" aria-describedby="remembered">
  <p class="hint" id="remembered">{{say("checkin.remembered")}}</p>
  <button class="main">{{say("checkin.check")}}</button>
</form>
% if event:
<form class="sheet" action="/operator/check-in" role="search">
  <input type="hidden" name="event" value="{{scan.event}}">
% for name in scan.types:
  <input type="hidden" name="type.{{name}}" value="on">
% end
  <label for="find">{{say("checkin.name-search")}}</label>
  <input id="find" name="find" required maxlength="64" autocomplete="off" spellcheck="false" value="{{wanted}}" aria-describedby="parts">
  <p class="hint" id="parts">{{say("checkin.name-hint")}}</p>
  <button>{{say("checkin.find")}}</button>
</form>
% if found is not None:
%   if not found.whole:
<p class="notice" role="status">{{say("checkin.found-more", count=len(found.orders))}}</p>
%   end
%   if not found.orders:
<p role="status">{{say("checkin.found-none")}}</p>
%   end
<ul class="found">
%   for each in found.orders:
  <li>
    <p><b>{{each.buyer}}</b> {{each.quantity}} × {{label(each)}} · {{each.number}}<br>{{say(f"ticket.status.{'checked-in' if each.checked_in_at else each.status}")}}</p>
%     if each.status == "sold" and not each.checked_in_at:
    <form method="post" action="/operator/check-in">
% include("check-in-bound", scan=scan, id=f"{next_scan}.{each.number}")
      <input type="hidden" name="order" value="{{each.code or each.number}}">
      <button>{{say("checkin.admit")}}</button>
    </form>
%     end
  </li>
%   end
</ul>
% end
<details class="sheet">
  <summary>{{say("checkin.bound")}}: {{", ".join(each.label or each.name for each in event.types if each.name in scan.types) or say("checkin.all-types")}}</summary>
  <form action="/operator/check-in">
    <input type="hidden" name="event" value="{{scan.event}}">
% for each in event.types:
    <label class="check"><input type="checkbox" name="type.{{each.name}}"{{!" checked" if each.name in scan.types else ""}}> {{each.label or each.name}}</label>
% end
    <p class="hint">{{say("checkin.types-hint")}}</p>
    <button>{{say("checkin.use")}}</button>
  </form>
% if not visit.access.event:
  <p><a href="/operator/check-in">{{say("checkin.another")}}</a></p>
% end
</details>
% end
</div>
