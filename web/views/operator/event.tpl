% from web.operator import formatting
% rebase("page-layout", heading=say("operators.event-title", event=event.title), here="events")
% if done in ("create", "edit", "open", "close"):
<p class="notice" role="status">{{say(f"operators.done.{done}")}}</p>
% end
<div class="caption"><h1>{{event.title}}</h1> <code>{{event.name}}</code> <span class="sale-{{sale}}">{{say(f"operators.sale.{sale}")}}</span>
  <div class="inline">
% if sale == "open":
    <a class="button" href="/operator/act/close?event={{event.name}}">{{say("operators.close")}}</a>
% else:
    <a class="button" href="/operator/act/open?event={{event.name}}">{{say("operators.open-sale")}}</a>
% end
    <a class="button" href="/operator/events/{{event.name}}/edit">{{say("operators.edit")}}</a>
    <a class="button" href="/?event={{event.name}}">{{say("operators.sale")}}</a>
  </div>
</div>
<dl class="facts">
% for name in ("starts", "ends", "doors", "opens", "closes"):
%   at = getattr(event, f"{name}_at")
  <div><dt>{{say(f"event.{name}")}}</dt><dd>{{language.moment(at, event.timezone) if at else "–"}}</dd></div>
% end
  <div><dt>{{say("event.place")}}</dt><dd>{{event.place or "–"}}</dd></div>
  <div><dt>{{say("event.limit")}}</dt><dd>{{event.limit or "–"}}</dd></div>
  <div><dt>{{say("event.hold-minutes")}}</dt><dd>{{f"{event.hold_s / 60:g}"}}</dd></div>
  <div><dt>{{say("event.extensions")}}</dt><dd>{{event.extensions}}</dd></div>
  <div><dt>{{say("event.cancellable")}}</dt><dd>{{say("operators.yes" if event.cancellable else "operators.nay")}}</dd></div>
</dl>
<section>
  <div class="caption"><h2>{{say("operators.types")}}</h2>
    <form class="inline" action="/operator/act/reset">
      <input type="hidden" name="event" value="{{event.name}}">
      <label for="type">{{say("operators.type")}}</label>
      <select id="type" name="type"><option value="">{{say("operators.all-types")}}</option>
% for type_ in event.types:
        <option>{{type_.name}}</option>
% end
      </select>
      <label for="quantity">{{say("operators.for-sale")}}</label>
      <input id="quantity" name="quantity" type="number" min="0" max="100000000" required value="100">
      <button>{{say("operators.reset")}}</button>
    </form>
  </div>
  <div class="wide" tabindex="0" role="region" aria-label="{{say("operators.types")}}">
  <table>
    <thead><tr><th scope="col">{{say("operators.type")}}</th><th scope="col">{{say("event.label")}}</th><th scope="col" class="n">{{say("event.price")}}</th><th scope="col" class="n">{{say("operators.capacity")}}</th><th scope="col" class="n">{{say("operators.sold")}}</th><th scope="col" class="n">{{say("operators.held")}}</th><th scope="col" class="n">{{say("operators.remaining")}}</th></tr></thead>
    <tbody>
% for type_ in event.types:
    <tr><th scope="row">\\
%   if type_.colour:
<svg class="dot" viewBox="0 0 8 8" aria-hidden="true"><circle cx="4" cy="4" r="4" fill="{{type_.colour}}"/></svg>\\
%   end
{{type_.name}}</th><td>{{type_.label or "–"}}</td><td class="n">{{language.money(type_.price, event.currency, event.decimals)}}</td>
%   for figure in ("capacity", "sold", "held", "remaining"):
      <td class="n">{{f"{getattr(type_, figure):,}"}}</td>
%   end
    </tr>
% end
    </tbody>
  </table>
  </div>
</section>
