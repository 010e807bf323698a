% rebase("layout", heading=say("sale.title", event=page.event.title), scripts=["sale.js"])
<h1>{{page.event.title}}</h1>
% if page.event.place or page.event.starts:
<p class="where">
% if page.event.starts:
  <time datetime="{{page.event.starts_at}}" data-local>{{page.event.starts}}</time>
% end
% if page.event.place:
  <span>{{page.event.place}}</span>
% end
</p>
% end
<p class="notice stale" id="stale"{{!"" if page.stale else " hidden"}}>{{page.stale}}</p>
<div class="notice bad" id="problem" role="alert"{{!"" if page.notice else " hidden"}}>
  <p>{{page.notice}}</p>
% if page.problem and page.problem.code == "outcome-unknown":
  <p>{{say("sale.again")}}</p>
% end
</div>
<p class="lead" id="lead">{{page.lead}}</p>
<p class="countdown" id="countdown" role="timer" hidden></p>
% if page.state == "before":
<noscript><p class="small">{{say("sale.reload")}}</p></noscript>
% end
<form class="sale" method="post" action="/orders" data-event="{{page.form.event}}" data-currency="{{page.currency}}" data-sale="{{page.state}}" data-opens-in="{{page.opens_in_ms}}" data-opens-at="{{page.opens_at}}" data-few="{{page.few_share}}" data-poll="{{page.poll_after_ms}}">
<input type="hidden" name="event" value="{{page.form.event}}">
<input type="hidden" name="key" value="{{page.form.key}}" autocomplete="off">
<input type="hidden" name="prices" value="{{page.prices}}" autocomplete="off">
<fieldset class="types"\\
% if page.error("type"):
 aria-describedby="type-error"\\
% end
>
<legend>{{say("sale.types")}}</legend>
% if page.error("type"):
<p class="error" id="type-error">{{say("sale.choose")}}</p>
% end
<div class="cards">
% for card in page.cards:
<label class="card{{"" if card.type.remaining else " gone"}}" data-type="{{card.type.name}}" data-price="{{card.type.price}}">
  <input type="radio" name="type" value="{{card.type.name}}" required\\
% if not card.type.remaining or page.state != "open":
 disabled\\
% end
% if card.chosen and page.state == "open":
 checked\\
% end
>
  <span class="what"><span class="name">\\
% if card.type.colour:
<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="5" fill="{{card.type.colour}}"/></svg>\\
% end
{{card.type.label or card.type.name}}</span><span class="price">{{card.price}}</span></span>
  <svg class="bar{{" few" if card.few else ""}}" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width="{{card.left_percent}}" height="4"/></svg>
  <span class="left{{" few" if card.few else ""}}">{{card.left}}</span>
</label>
% end
</div>
</fieldset>
<div class="purchase"{{!"" if page.state == "open" else " hidden"}}>
<div class="fields">
<div class="field">
  <label for="buyer">{{say("sale.buyer")}}</label>
% if page.error("buyer"):
  <p class="error" id="buyer-error">{{page.error("buyer")}}</p>
% end
  <input id="buyer" name="buyer" value="{{page.form.buyer}}" required maxlength="128" autocomplete="name"\\
% if page.error("buyer"):
 aria-invalid="true" aria-describedby="buyer-error"\\
% end
>
</div>
<div class="field narrow">
  <label for="quantity">{{say("sale.quantity")}}</label>
% if page.error("quantity"):
  <p class="error" id="quantity-error">{{page.error("quantity")}}</p>
% end
  <select id="quantity" name="quantity"\\
% if page.error("quantity"):
 aria-invalid="true" aria-describedby="quantity-error"\\
% end
>
% for number in page.quantities:
    <option\\
% if str(number) == page.form.quantity:
 selected\\
% end
>{{number}}</option>
% end
  </select>
</div>
</div>
% if page.limit:
<p class="small limit">{{say("sale.limit", count=page.limit)}}</p>
% end
<div class="buttons">
<button type="submit" data-api="/api/orders" data-news="asking">{{say("sale.buy")}}</button>
<button class="second" formaction="/holds" data-api="/api/holds" data-news="holding">{{say("sale.hold", duration=page.hold)}}</button>
</div>
<p class="small">{{say("sale.hold-means")}}<br>{{say("sale.safe")}}</p>
</div>
<p class="news" id="news" role="status"></p>
</form>
% if page.others:
<nav class="others" aria-label="{{say("sale.others-label")}}">
<h2>{{say("sale.others")}}</h2>
<ul>
% for name, title in page.others:
<li><a href="/?event={{name}}">{{title}}</a></li>
% end
</ul>
</nav>
% end
