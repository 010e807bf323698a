% order = shown.order
<div class="verdict {{shown.kind}}" data-kind="{{shown.kind}}">
  <p class="word"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="{{signs[shown.kind]}}"/></svg><strong>{{say(f"checkin.{shown.kind}")}}</strong></p>
% if order:
  <p class="holder">{{order.buyer}}</p>
  <p class="what"><b>{{order.quantity}} × {{shown.type}}</b> {{shown.event}}</p>
% end
% if shown.kind == "not-valid":
  <p>{{say(f"checkin.why.{order.status}")}}</p>
% elif order and order.checked_in_at:
  <p><time datetime="{{order.checked_in_at}}" data-clock>{{say("checkin.clock", at=shown.at)}}</time>{{say("checkin.at-door", door=order.checked_in_by) if order.checked_in_by else ""}}</p>
% else:
  <p>{{say(f"checkin.hint.{shown.kind}")}}</p>
% end
</div>
