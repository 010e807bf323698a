% # A preview is a picture of the page: nobody can buy there, and nothing is asked for.
% preview = get("preview", False)
% live = {} if preview else {"scripts": ["sale.js"], "typed": "sale"}
% rebase("layout", heading=say("sale.title", event=page.event.title), **live)
% if preview:
<p class="notice" role="status">{{say("sale.preview")}}</p>
% end
<h1>{{page.event.title}}</h1>
% include("where", event=page.event, doors=page.about.doors)
<p class="notice stale" id="stale"{{!"" if page.stale else " hidden"}}>{{page.stale}}</p>
<p class="lead" id="lead" tabindex="-1"{{!"" if page.lead else " hidden"}}>{{page.lead}}</p>
<p class="small" id="yours" hidden></p>
<p class="countdown" id="countdown" role="timer" hidden></p>
% if page.state == "before":
<noscript><p class="small">{{say("sale.reload")}}</p></noscript>
% end
<form class="sale" id="sale"{{!" inert" if preview else ""}} data-payment="{{page.payment}}" method="post" action="{{"/holds" if page.payment == "required" else "/orders"}}" data-event="{{page.form.event}}" data-currency="{{page.currency}}" data-money="{{page.money}}" data-decimals="{{page.decimals}}" data-shown="{{page.shown_decimals}}" data-sale="{{page.state}}" data-opens-in="{{page.opens_in_ms}}" data-opens-at="{{page.opens_at}}" data-zone="{{page.timezone}}" data-few="{{page.few_share}}" data-poll="{{page.poll_after_ms}}"{{!" data-posted" if page.posted else ""}}>
<input type="hidden" name="event" value="{{page.form.event}}">
<input type="hidden" name="key" value="{{page.form.key}}" autocomplete="off">
<input type="hidden" name="prices" value="{{page.prices}}" autocomplete="off">
<fieldset class="types"{{!' aria-describedby="type-error"' if page.error("type") else ""}}>
<legend>{{say("sale.types")}}</legend>
<div class="rows">
% for row in page.rows:
<label class="row{{"" if row.type.remaining else " gone"}}" data-type="{{row.type.name}}" data-price="{{row.type.price}}" data-capacity="{{row.type.capacity}}">
  <input type="radio" name="type" value="{{row.type.name}}" required{{!row.marks}}>
  <span class="what"><span class="name">\\
% if row.type.colour:
<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="5" fill="{{row.type.colour}}"/></svg>\\
% end
{{row.type.label or row.type.name}}</span> <span class="price">{{row.price}}</span></span>
  <span class="stock"><svg class="bar{{" few" if row.few else ""}}" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width="{{row.left_percent}}" height="4"/></svg> <span class="left{{" few" if row.few else ""}}">{{row.left}}</span></span>
</label>
% end
</div>
<p class="error" id="type-error"{{!"" if page.error("type") else " hidden"}}>{{say("sale.choose")}}</p>
</fieldset>
<div class="while-open"{{!"" if page.state == "open" else " hidden"}}>
<div class="fields">
<div class="field">
  <label for="buyer">{{say("sale.buyer")}}</label>
  <input id="buyer" name="buyer" value="{{page.form.buyer}}" required maxlength="128" autocomplete="name"{{!page.marks("buyer")}}>
  <p class="error" id="buyer-error"{{!"" if page.error("buyer") else " hidden"}}>{{page.error("buyer") or say("detail.buyer")}}</p>
</div>
<div class="field">
  <label for="quantity">{{say("sale.quantity")}}</label>
  <select id="quantity" name="quantity"{{!page.marks("quantity")}}>
% for number in page.quantities:
    <option{{!" selected" if str(number) == page.form.quantity else ""}}>{{number}}</option>
% end
  </select>
  <p class="error" id="quantity-error"{{!"" if page.error("quantity") else " hidden"}}>{{page.error("quantity")}}</p>
</div>
</div>
% if page.limit:
<p class="small">{{say("sale.limit", count=page.limit)}}</p>
% end
</div>
<div class="notice bad" id="problem"{{!' tabindex="-1" autofocus' if page.notice else ' role="alert" hidden'}}>
% for text in page.notice:
  <p>{{text}}</p>
% end
</div>
<div class="while-open"{{!"" if page.state == "open" else " hidden"}}>
% if page.payment == "required":
<button type="submit" id="buy" formaction="/holds" data-api="/api/holds" data-news="holding">{{say("sale.reserve")}}</button>
<p class="small">{{say("sale.pays-first", duration=page.hold)}} {{say("sale.safe")}}</p>
% else:
<button type="submit" id="buy" data-api="/api/orders" data-news="asking">{{say("sale.buy")}}</button>
% end
% if page.payment == "door":
<p class="small">{{say("sale.pays-at-door")}}</p>
% end
</div>
<p class="news" id="news" role="status"></p>
% if page.payment != "required":
<div class="while-open later"{{!"" if page.state == "open" else " hidden"}}>
<button class="second" formaction="/holds" data-api="/api/holds" data-news="holding">{{say("sale.hold", duration=page.hold)}}</button>
<p class="small">{{say("sale.hold-means")}} {{say("sale.safe")}}</p>
</div>
% end
</form>
% if page.about.paragraphs or page.about.organiser:
<section class="about">
<h2>{{say("sale.about")}}</h2>
% for paragraph in page.about.paragraphs:
<p>\\
%   for piece in paragraph:
%     if piece.is_link:
<a href="{{piece.text}}" rel="nofollow noopener">{{piece.text}}</a>\\
%     else:
{{piece.text}}\\
%     end
%   end
</p>
% end
% if page.about.organiser:
<p class="small">{{say("sale.organiser", name=page.about.organiser)}}</p>
% end
</section>
% end
<nav class="ways" aria-label="{{say("sale.ways")}}">
% if page.others:
<a href="/">{{say("sale.others")}}</a>
% end
<a href="/find">{{say("find.title")}}</a>
</nav>
