% rebase("page-layout", heading=say("operators.orders-title"), here="orders")
<div class="caption"><h1>{{say("operators.orders")}}</h1>
% if found is not None:
  <a class="button" href="{{export}}" download>{{say("operators.export")}}</a>
% end
</div>
<form class="filters" action="/operator/orders">
  <div><label for="event">{{say("operators.event")}}</label>
  <select id="event" name="event"><option value="">{{say("operators.all-events")}}</option>
% for each in events:
    <option value="{{each.name}}"{{!" selected" if each.name == wanted.event else ""}}>{{each.title}}</option>
% end
  </select></div>
% if event:
  <div><label for="type">{{say("operators.type")}}</label>
  <select id="type" name="type"><option value="">{{say("operators.all-types")}}</option>
%   for each in event.types:
    <option value="{{each.name}}"{{!" selected" if each.name == wanted.type else ""}}>{{each.label or each.name}}</option>
%   end
  </select></div>
% end
  <div><label for="state">{{say("operators.state")}}</label>
  <select id="state" name="state"><option value="">{{say("operators.all-states")}}</option>
% for each in states:
    <option value="{{each}}"{{!" selected" if each == wanted.state else ""}}>{{say(f"ticket.status.{each}")}}</option>
% end
  </select></div>
  <div><label for="find">{{say("operators.find-order")}}</label>
  <input id="find" name="find" value="{{wanted.buyer}}" maxlength="200" autocomplete="off" spellcheck="false" aria-describedby="how"></div>
  <button>{{say("operators.find")}}</button>
</form>
<p class="hint" id="how">{{say("operators.find-hint")}}</p>
% if found is not None:
%   if found.takings and found.takings.types:
<section>
  <h2>{{say("operators.takings")}}</h2>
  <div class="wide" tabindex="0" role="region" aria-label="{{say("operators.takings")}}">
  <table>
    <thead><tr><th scope="col">{{say("operators.type")}}</th><th scope="col" class="n">{{say("operators.sold")}}</th><th scope="col" class="n">{{say("operators.takings")}}</th><th scope="col" class="n">{{say("operators.admitted")}}</th></tr></thead>
    <tbody>
%     for each in found.takings.types:
    <tr><th scope="row">{{names(wanted.event, each.type)[1]}}</th><td class="n">{{f"{each.sold:,}"}}</td><td class="n">{{money(each.total)}}</td><td class="n">{{f"{each.admitted:,}"}}</td></tr>
%     end
%     if len(found.takings.types) > 1:
%       whole = found.takings.whole
    <tr class="sum"><th scope="row">{{say("operators.whole")}}</th><td class="n">{{f"{whole.sold:,}"}}</td><td class="n">{{money(whole.total)}}</td><td class="n">{{f"{whole.admitted:,}"}}</td></tr>
%     end
    </tbody>
  </table>
  </div>
%     if found.takings.whole.unpriced:
  <p class="hint">{{say("operators.unpriced", count=found.takings.whole.unpriced)}}</p>
%     end
%     if event and event.payment == "door":
  <p class="hint">{{say("operators.takings-door")}}</p>
%     end
%     if curve:
  <figure class="plot curve">
    <figcaption><h2>{{say("operators.curve")}}</h2></figcaption>
    <div class="field">
      <span class="top">{{f"{curve.top:,}"}}</span>
      <svg viewBox="0 0 600 100" preserveAspectRatio="none" role="img" aria-label="{{say("operators.curve-of", count=curve.top, since=when(curve.begin), until=when(curve.end))}}">
        <path class="grid" d="M0 0H600M0 50H600M0 100H600"/>
        <path class="line c1" d="{{curve.path}}"/>
      </svg>
    </div>
    <p class="ends"><span>{{when(curve.begin)}}</span> <span>{{when(curve.end)}}</span></p>
  </figure>
%     end
</section>
%   end
<section>
%   if found.orders:
  <h2>{{say("operators.orders")}}</h2>
%   end
%   if not found.whole:
  <p class="notice" role="status">{{say("operators.not-all", count=len(found.orders))}}</p>
%   end
%   if not found.orders:
  <p role="status">{{say("operators.no-orders" if wanted.buyer else "operators.none-wanted")}}</p>
%   else:
  <div class="wide" tabindex="0" role="region" aria-label="{{say("operators.orders")}}">
  <table class="cards">
    <thead><tr><th scope="col">{{say("operators.buyer")}}</th><th scope="col">{{say("operators.event")}}</th><th scope="col">{{say("operators.type")}}</th><th scope="col" class="n">{{say("operators.quantity")}}</th><th scope="col">{{say("operators.state")}}</th><th scope="col">{{say("operators.made")}}</th><th scope="col">{{say("ticket.order")}}</th></tr></thead>
    <tbody>
%     for order in found.orders:
%       title, label = names(order.event, order.type)
    <tr><th scope="row">{{order.buyer}}</th><td data-label="{{say("operators.event")}}">{{title}}</td><td data-label="{{say("operators.type")}}">{{label}}</td><td class="n" data-label="{{say("operators.quantity")}}">{{order.quantity}}</td>
      <td data-label="{{say("operators.state")}}">{{say(f"ticket.status.{state_of(order)}")}}</td><td data-label="{{say("operators.made")}}">{{made(order)}}</td>
      <td data-label="{{say("ticket.order")}}"><a href="/operator/orders/{{order.order}}"><code>{{order.number}}</code></a></td></tr>
%     end
    </tbody>
  </table>
  </div>
%   end
</section>
% end
