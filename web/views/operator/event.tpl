% rebase("page-layout", heading=say("operators.event-title", event=event.title), here="events")
% if done in ("create", "edit", "open", "close", "publish", "hide"):
<p class="notice" role="status">{{say(f"operators.done.{done}")}}</p>
% end
<div class="caption"><h1>{{event.title}}</h1> <code>{{event.name}}</code> <span class="sale-{{sale}}">{{say(f"operators.sale.{sale}")}}</span>
  <div class="inline">
% if sale == "draft":
    <a class="button main" href="/operator/act/publish?event={{event.name}}">{{say("operators.publish")}}</a>
    <a class="button" href="/operator/events/{{event.name}}/preview">{{say("operators.preview")}}</a>
% elif sale == "open":
    <a class="button" href="/operator/act/close?event={{event.name}}">{{say("operators.close")}}</a>
% elif sale != "past":
    <a class="button" href="/operator/act/open?event={{event.name}}">{{say("operators.open-sale")}}</a>
% end
    <a class="button" href="/operator/events/{{event.name}}/edit">{{say("operators.edit")}}</a>
% if sale == "draft":
    <a class="button" href="/operator/act/delete?event={{event.name}}">{{say("operators.delete")}}</a>
% else:
    <a class="button" href="/operator/act/hide?event={{event.name}}">{{say("operators.hide")}}</a>
    <a class="button" href="/?event={{event.name}}">{{say("operators.sale")}}</a>
% end
  </div>
</div>
% if sale == "draft":
<p class="notice">{{say("operators.is-draft")}}</p>
% end
<dl class="facts">
% for name in ("starts", "ends", "doors", "opens", "closes"):
%   at = getattr(event, f"{name}_at")
  <div><dt>{{say(f"event.{name}")}}</dt><dd>{{language.moment(at, event.timezone) if at else "–"}}</dd></div>
% end
  <div><dt>{{say("event.place")}}</dt><dd>{{event.place or "–"}}</dd></div>
  <div><dt>{{say("event.organiser")}}</dt><dd>{{event.organiser or "–"}}</dd></div>
  <div><dt>{{say("event.payment")}}</dt><dd>{{say(f"event.payment.{event.payment}")}}</dd></div>
  <div><dt>{{say("event.limit")}}</dt><dd>{{event.limit or "–"}}</dd></div>
  <div><dt>{{say("event.hold-minutes")}}</dt><dd>{{f"{event.hold_s / 60:g}"}}</dd></div>
  <div><dt>{{say("event.extensions")}}</dt><dd>{{event.extensions}}</dd></div>
  <div><dt>{{say("event.cancellable")}}</dt><dd>{{say("operators.yes" if event.cancellable else "operators.nay")}}</dd></div>
</dl>
<section>
  <div class="caption"><h2>{{say("operators.types")}}</h2>
    <a class="button" href="/operator/events/{{event.name}}/new-type">{{say("operators.add-type")}}</a>
  </div>
  <div class="wide" tabindex="0" role="region" aria-label="{{say("operators.types")}}">
  <table>
    <thead><tr><th scope="col">{{say("event.label")}}</th><th scope="col">{{say("event.type")}}</th><th scope="col" class="n">{{say("event.price")}}</th><th scope="col" class="n">{{say("operators.capacity")}}</th><th scope="col" class="n">{{say("operators.sold")}}</th><th scope="col" class="n">{{say("operators.held")}}</th><th scope="col" class="n">{{say("operators.remaining")}}</th></tr></thead>
    <tbody>
% for type_ in event.types:
    <tr><th scope="row">\\
%   if type_.colour:
<svg class="dot" viewBox="0 0 8 8" aria-hidden="true"><circle cx="4" cy="4" r="4" fill="{{type_.colour}}"/></svg>\\
%   end
<a href="/operator/events/{{event.name}}/types/{{type_.name}}">{{type_.label or type_.name}}</a></th><td><code>{{type_.name}}</code></td><td class="n">{{language.money(type_.price, event.currency, event.decimals)}}</td>
%   for figure in ("capacity", "sold", "held", "remaining"):
      <td class="n">{{f"{getattr(type_, figure):,}"}}</td>
%   end
    </tr>
% end
    </tbody>
  </table>
  </div>
</section>
